"""Reading files, and writing them atomically: a file is complete or does not exist."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Iterator, Optional, Union

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
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.stem}.", suffix=target.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        if mode is None:
            # mkstemp creates files that only their owner can read; a result gets the usual permissions.
            mask = os.umask(0)
            os.umask(mask)
            mode = 0o666 & ~mask
        os.chmod(temporary, mode)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Union[str, os.PathLike[str]], text: str) -> None:
    """Writes `text` to `path` as UTF-8, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
