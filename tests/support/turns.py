"""Work that one process at a time does, while other workers of the suite wait for it."""

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
def turn(lock: Path) -> Iterator[None]:
    """Within the block no other process is in one for the same `lock`, a file that stays."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with open(lock, "w") as file:
        # Windows has no such lock; the suite has one worker there.
        if os.name != "nt":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def cached(place: Path, make: Callable[[Path], Path]) -> Path:
    """`place`. Where nothing is there yet `make`, given a new folder beside it, returns what becomes `place`."""
    with turn(place.parent / f".{place.name}.lock"):
        if not place.exists():
            making = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name}-"))
            try:
                make(making).rename(place)
            finally:
                shutil.rmtree(making, ignore_errors=True)
    return place


def session_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this session that all its workers share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
