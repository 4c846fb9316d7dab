"""Reading files, and writing them atomically: a file is complete or does not exist."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path
from typing import Iterator, Optional, Tuple, Union

from runtime.common.errors import InputError


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
    they are those of any new file.
    """
    target = Path(path)
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
