"""The folder that an export is written to."""

from __future__ import annotations

import tempfile
from pathlib import Path

from runtime.common.errors import InputError


def check(folder: Path) -> None:
    """Raises InputError where files cannot be written to `folder`, which need not be there yet and is not made."""
    place = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not place.is_dir():
        raise InputError(f"{folder}: {place} is a file; name another folder with --out")
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror}; name another folder with --out") from error
