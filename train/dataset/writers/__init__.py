"""Writers of data set formats, one module per format, found by the module's name.

A writer is a module of this package with one function:

    write(dataset: Dataset, folder: Path) -> None    writes `dataset` into `folder`, which is empty

The format of the same name in `train.dataset.formats` reads what it writes. A new writer is a new file here.
Uses `dataset`, `dataset.examples` and `records`.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import Protocol

from runtime.common.errors import InputError
from train.dataset.dataset import Dataset


class Writer(Protocol):
    """The function of a writer's module."""

    def write(self, dataset: Dataset, folder: Path) -> None:
        """Writes `dataset` into `folder`, which is empty."""
        ...


def names() -> tuple[str, ...]:
    """Returns the names of all writers, sorted."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")))


def find(name: str) -> Writer:
    """Returns the writer of that name. Raises InputError if there is none."""
    if name not in names():
        raise InputError(f"no format {name!r} to write; there are: {', '.join(names())}")
    return importlib.import_module(f"{__name__}.{name}")
