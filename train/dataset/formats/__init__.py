"""Readers of data set formats, one module per format, found by the module's name.

A format is a module of this package with two functions:

    score(folder: Path) -> Optional[Score]    how much of `folder` this format explains; None: not this format
    read(folder: Path) -> Splits              reads everything in `folder`; raises InputError if it cannot be used

`score` is fast: it opens no image, and reads annotations only as far as it must. `train.dataset.format_choice`
decides between formats by their scores.

A new format is a new file here; no other file changes. Modules whose names begin with `_` are helpers of the others.
`train.dataset.examples.problems.Problems` decides for all formats how much bad data is too much.
Uses `files`, `dataset.examples`, `dataset.tables`, `dataset.tools` and `dataset.yolo`.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Protocol

from runtime.common.errors import InputError
from train.dataset.examples.example import Example


@dataclass(frozen=True)
class Splits:
    """The contents of a data set, in its own splits.

    `validation` is None if the data has no validation split. `problems` has one line for each thing that
    was left out, with the file and the fault. `labels` are the classes in the order of their numbers in
    the data; None if the data does not number them. `format` and `reasons`, which the caller of a reader sets, are
    the format's name and why the data was read in it.
    """

    train: tuple[Example, ...]
    validation: Optional[tuple[Example, ...]] = None
    problems: tuple[str, ...] = ()
    labels: Optional[tuple[str, ...]] = None
    format: str = ""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Score:
    """How much of a folder a format explains.

    `images` is the number of image files that the annotations name (for records: of images inside them), and
    `annotations` that of the annotation files. `named` is True if these hold the classes' names, False if they hold
    only numbers. `derived` is True for formats that scripts usually make from another one (CSV, TFRecord). `reason`
    says in one line what was recognized. `inside` is True if the images lie inside the annotation files, so that
    reading extracts them.
    """

    images: int
    annotations: int
    named: bool = True
    derived: bool = False
    reason: str = ""
    inside: bool = False


class Format(Protocol):
    """The functions of a format module."""

    def score(self, folder: Path) -> Optional[Score]:
        """Returns how much of `folder` this format explains; None if nothing in it is of this format."""
        ...

    def read(self, folder: Path) -> Splits:
        """Reads everything in `folder`. Raises InputError if it cannot be used."""
        ...


def names() -> tuple[str, ...]:
    """Returns the names of all formats, sorted."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")))


def find(name: str) -> Format:
    """Returns the format of that name. Raises InputError if there is none."""
    if name not in names():
        raise InputError(f"no data set format {name!r}; there are: {', '.join(names())}")
    return importlib.import_module(f"{__name__}.{name}")


def scores(folder: Path) -> dict[str, Score]:
    """Returns the scores of the formats that explain something of `folder`, by name."""
    found = ((name, find(name).score(folder)) for name in names())
    return {name: score for name, score in found if score is not None}
