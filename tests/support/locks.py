"""Locks between the workers of the suite, and folders that are made once for all of them."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


@contextlib.contextmanager
def locked(lock: Path) -> Iterator[None]:
    """Holds the lock on the file `lock`: one process at a time. The file is created and stays."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with open(lock, "w") as file:
        # Windows has no such lock; the suite has one worker there.
        if os.name != "nt":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def cached(place: Path, make: Callable[[Path], Path]) -> Path:
    """Returns `place`, which is made first if it does not exist.

    `make` gets a new folder beside `place` and returns the path that is renamed to `place`.
    """
    with locked(place.parent / f".{place.name}.lock"):
        if not place.exists():
            making = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name}-"))
            try:
                make(making).rename(place)
            finally:
                shutil.rmtree(making, ignore_errors=True)
    return place


def session_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A temporary folder of this session, which all its workers share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
