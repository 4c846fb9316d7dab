"""Formats that a data set can be written in, one module each, found by the module's name.

A writer is a module of this package with one function:

    write(dataset: Dataset, folder: Path) -> None    writes `dataset` into `folder`, which is empty

What it writes, the format of that name in `train.dataset.formats` reads. A new writer is a new file here.
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

    def write(self, dataset: Dataset, folder: Path) -> None: ...


def names() -> tuple[str, ...]:
    """The names of all writers, sorted."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")))


def find(name: str) -> Writer:
    """The writer of that name. Raises InputError where there is none."""
    if name not in names():
        raise InputError(f"no format {name!r} to write; there are: {', '.join(names())}")
    return importlib.import_module(f"{__name__}.{name}")
