"""Files of strangers that are read as a whole, if they are no larger than such a file can honestly be."""

from __future__ import annotations

from pathlib import Path

from runtime.common.errors import InputError


def read(path: Path, name: str, most: int, what: str) -> bytes:
    """The bytes of the file at `path`, which messages call `name`.

    Raises InputError where it cannot be read, or has more than `most` bytes, which no `what` has.
    """
    try:
        size = path.stat().st_size
        if size > most:
            raise InputError(f"{name}: has {size / 1e6:,.1f} MB, more than {what} can have; refused")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror}") from error


def read_text(path: Path, name: str, most: int, what: str) -> str:
    """As `read`, of a UTF-8 text. Raises InputError where it is none."""
    try:
        return read(path, name, most, what).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8 text ({error})") from error
