"""Files, folders and links that are whole after a power cut: renamed into place, and flushed to the disk."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from pathlib import Path
from typing import Iterator

from runtime.common.errors import KitError


def write(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Puts `data` at `path`: whole and on the disk when this returns, else what was there before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    sync_folder(path.parent)


def link(path: Path, target: str) -> None:
    """Makes `path` a link to `target`, in one step where it was another link before."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    os.symlink(target, temporary)
    os.replace(temporary, path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Flushes the names in a folder, where the system lets one do that (Windows does not)."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """Flushes the files of a folder and of those in it, and their names."""
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            if not os.path.islink(path):
                handle = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)
        sync_folder(Path(place))


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Makes a KitError of what the system refuses: a folder of somebody else's, a full disk."""
    try:
        yield
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        advice = {
            errno.EACCES: "; run it as the user that owns the folder",
            errno.EPERM: "; run it as the user that owns the folder",
            errno.ENOSPC: "; make room, what was there stays",
        }.get(error.errno, "")
        raise KitError(f"{place}{error.strerror or error}{advice}") from error


@contextlib.contextmanager
def lock(path: Path, what: str) -> Iterator[None]:
    """Holds the lock `path`, which the system lets go of however this process ends.

    Raises KitError where another process has it; `what` says what that one does. Windows, where nobody
    but a publisher is, has no such lock.
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
