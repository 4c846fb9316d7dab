"""Reading of untrusted files into memory, with a limit on their size."""

from __future__ import annotations

from pathlib import Path

from runtime.common.errors import InputError


def read(path: Path, name: str, most: int, what: str) -> bytes:
    """Returns the bytes of the file at `path`; error messages call it `name`.

    Raises InputError if it cannot be read or has more than `most` bytes; `what` is the kind of file, for
    the message.
    """
    try:
        size = path.stat().st_size
        if size > most:
            raise InputError(f"{name}: has {size / 1e6:,.1f} MB, more than {what} can have; refused")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror}") from error


def read_text(path: Path, name: str, most: int, what: str) -> str:
    """Returns the text of a UTF-8 file; like `read`, and raises InputError if the file is not UTF-8."""
    try:
        return read(path, name, most, what).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8 text ({error})") from error
