"""Writes files, folders and links that survive a power cut: they are flushed to the disk, then renamed."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from pathlib import Path
from typing import Iterator

from runtime.common.errors import KitError


def write(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Replaces the file `path` by one with `data`, flushed to the disk; if this fails, the old file stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(name)
        if isinstance(error, OSError) and error.filename is None:
            # What is written to an open file fails without its name.
            error.filename = str(path)
        raise
    sync_folder(path.parent)


def link(path: Path, target: str) -> None:
    """Makes `path` a symbolic link to `target`; a link that was there is replaced in one step."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    os.symlink(target, temporary)
    os.replace(temporary, path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Flushes the names in a folder, where the system can do that (Windows cannot)."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """Flushes all files and names below a folder."""
    for folder_name, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(folder_name, name)
            if not os.path.islink(path):
                handle = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)
        sync_folder(Path(folder_name))


@contextlib.contextmanager
def as_kit_errors(who: str = "run it as the user that owns the folder") -> Iterator[None]:
    """Turns OSError into KitError, with advice for a full disk, and for a folder of another user: `who` should run it."""
    try:
        yield
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        advice = {
            errno.EACCES: f"; {who}",
            errno.EPERM: f"; {who}",
            errno.ENOSPC: "; make room, what was there stays",
        }.get(error.errno or 0, "")
        raise KitError(f"{where}{error.strerror or error}{advice}") from error


@contextlib.contextmanager
def lock(path: Path, what: str) -> Iterator[None]:
    """Holds the lock file `path`; the system releases it however this process ends.

    Raises KitError where another process holds it; `what` says what that process does. On Windows, where only
    publishers work, nothing is locked.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise KitError(f"{path}: {what}; wait until it is done") from None
        yield
