"""Folders that appear only once they are complete."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from runtime.common.errors import InputError, KitError


def check(out: Path) -> None:
    """Raises InputError if `out` is a file or a folder that is not empty."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: is there already; choose another folder, or remove it first")


def rename_into_place(temporary: Path, target: Path) -> None:
    """Renames the folder `temporary` to `target`, unless another process has created `target` first.

    For folders whose name determines their contents, such as those of the cache. Raises OSError if the folder
    cannot be renamed.
    """
    try:
        os.replace(temporary, target)
    except OSError:
        if not target.is_dir():
            raise


@contextlib.contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Context manager: yields a temporary folder, which is renamed to `out` when the block succeeds.

    If the block raises, the temporary folder is removed. Raises InputError as `check` does, KitError if
    the folder cannot be written.
    """
    check(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        # tempfile.mkdtemp would give the owner's permissions only; those of any new folder are the system's to give.
        temporary = out.parent / f".{out.name}.{secrets.token_hex(8)}"
        temporary.mkdir()
        try:
            yield temporary
            os.replace(temporary, out)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise KitError(f"{out}: cannot be written: {error.strerror or error}") from error
