"""Folders that are either whole or not there."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from runtime.common.errors import InputError, KitError


def check(out: Path) -> None:
    """Raises InputError where `out` has something in it already."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: is there already; choose another folder, or remove it first")


@contextlib.contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Gives a temporary folder beside `out`; it becomes `out` when the block succeeds, and is removed when not.

    Raises InputError where `out` has something in it already, KitError where it cannot be written.
    """
    check(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
        try:
            yield temporary
            # mkdtemp makes folders for their owner alone; a result is as readable as any.
            mask = os.umask(0)
            os.umask(mask)
            temporary.chmod(0o777 & ~mask)
            os.replace(temporary, out)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise KitError(f"{out}: cannot be written: {error.strerror or error}") from error
