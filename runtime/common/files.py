"""Files that are either whole or not there."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Iterator, Optional, Union

from runtime.common.errors import InputError


def read_bytes(path: Union[str, os.PathLike]) -> bytes:
    """What is in `path`. Raises InputError where it is missing or cannot be read."""
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


@contextlib.contextmanager
def atomic_path(path: Union[str, os.PathLike], mode: Optional[int] = None) -> Iterator[Path]:
    """Gives a temporary file name beside `path`; renames it to `path` when the block succeeds.

    When the block raises, the temporary file is removed and `path` keeps what it had. The suffix
    of `path` is kept, since writers such as OpenCV choose their format by it. `mode` has the file's
    permissions, which are otherwise those of any new file.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.stem}.", suffix=target.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        if mode is None:
            # mkstemp makes files that only their owner can read; a result is as readable as any file.
            mask = os.umask(0)
            os.umask(mask)
            mode = 0o666 & ~mask
        os.chmod(temporary, mode)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Union[str, os.PathLike], text: str) -> None:
    """Writes `text` as UTF-8 to `path`, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
