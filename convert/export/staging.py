"""The files of an export take their places together, once all of them have passed."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from convert.export.listed import NAME
from runtime.common.errors import KitError


@contextlib.contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """A new folder inside `folder`, which is made where it is missing, for the files of an export; removed at the end.

    Raises KitError where a folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary = tempfile.TemporaryDirectory(dir=folder, prefix=".new-")
    except OSError as error:
        raise KitError(f"{folder}: cannot be written: {error.strerror or error}") from error
    with temporary as name:
        yield Path(name)


def publish(new: Path, folder: Path, files: Sequence[str]) -> None:
    """Moves `files` and their manifest from `new` into `folder`, the manifest last.

    The manifest of before goes first: one that is there never speaks of other files than those beside it, also where the
    machine stops in between. Raises KitError where a file cannot be moved.
    """
    try:
        (folder / NAME).unlink(missing_ok=True)
        for name in (*files, NAME):
            os.replace(new / name, folder / name)
    except OSError as error:
        raise KitError(f"{folder}: cannot be written: {error.strerror or error}") from error
