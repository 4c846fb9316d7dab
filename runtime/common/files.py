"""Reading files, and writing them atomically: a file is complete or does not exist."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Iterator, Optional, Tuple, Union

from runtime.common.errors import InputError

# Part of the disk, and bytes, that always stay free: a system whose disk is full cannot even be repaired from afar.
_FREE_SHARE = 0.05
_FREE_BYTES = 10_000_000


def read_bytes(path: Union[str, os.PathLike[str]]) -> bytes:
    """The content of `path`. Raises InputError where the file is missing or cannot be read."""
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


@contextlib.contextmanager
def atomic_path(path: Union[str, os.PathLike[str]], mode: Optional[int] = None) -> Iterator[Path]:
    """Yields the path of a temporary file beside `path`; renames it to `path` when the block succeeds.

    When the block raises, the temporary file is removed and `path` is unchanged. The temporary file has the suffix of
    `path`, because writers such as OpenCV choose the format by it. `mode` is the permissions of the file; by default
    they are those of any new file. What is no file but a device or a pipe (`/dev/null`) is written into: root could
    replace it, and every other program would miss it.
    """
    target = Path(path)
    if target.exists() and not target.is_file() and not target.is_dir():
        with tempfile.TemporaryDirectory() as folder:
            temporary = Path(folder) / f"new{target.suffix}"
            temporary.touch()
            yield temporary
            target.write_bytes(temporary.read_bytes())
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary, usual = _new_file(target, 0o666 if mode is None else 0o600)
    try:
        yield temporary
        os.chmod(temporary, usual if mode is None else mode)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Union[str, os.PathLike[str]], text: str) -> None:
    """Writes `text` to `path` as UTF-8, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_durably(path: Union[str, os.PathLike[str]], data: bytes) -> None:
    """Writes a file and its name to the disk, atomically. Raises OSError."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)
        sync(temporary)
    sync(Path(path).parent)


def sync(path: Union[str, os.PathLike[str]]) -> None:
    """Waits until a file, or the names in a folder, are on the disk. Raises OSError for a file."""
    if os.path.isdir(path):
        with contextlib.suppress(OSError, AttributeError):
            _sync(path, os.O_RDONLY | os.O_DIRECTORY)
    else:
        _sync(path, os.O_RDWR)


def _sync(path: Union[str, os.PathLike[str]], flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def disk_has_room(folder: Path, size: int) -> bool:
    """Whether `size` more bytes in `folder`, which need not exist yet, leave some of its disk free."""
    where = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    disk = shutil.disk_usage(where)
    return disk.free - size > max(_FREE_BYTES, _FREE_SHARE * disk.total)


def _new_file(target: Path, mode: int) -> Tuple[Path, int]:
    """A new empty file beside `target` that only its owner can open, and what the umask leaves of `mode`.

    The system applies the umask to a file that is created. To ask for the umask one has to set another one for a moment,
    in which the files of other threads are world-writable.
    """
    while True:
        path = target.with_name(f".{target.stem}.{secrets.token_hex(6)}{target.suffix}")
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
        except FileExistsError:
            continue
        try:
            usual = stat.S_IMODE(os.fstat(handle).st_mode)
        finally:
            os.close(handle)
        # The umask may keep even the owner from writing; the file gets its permissions at the end.
        os.chmod(path, 0o600)
        return path, usual
