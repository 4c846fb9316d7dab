"""Formats of labelled data sets, one module each, found by the module's name.

A format is a module of this package with two functions:

    accepts(folder: Path) -> bool    whether `folder` looks like this format; quick, reads no image
    read(folder: Path) -> Splits     everything in `folder`; raises InputError where it is of no use

A new format is a new file here; no other file changes. `train.dataset.examples.problems.Problems` decides, for every
format alike, how much bad data is too much.
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
    """What a format read.

    `validation` is None where the data does not say itself what to validate on. `problems` has one
    line for each thing that was left out, naming the file and what is wrong in it. `labels` are the
    classes in the order that the data numbers them; None where it does not number them.
    """

    train: tuple[Example, ...]
    validation: Optional[tuple[Example, ...]] = None
    problems: tuple[str, ...] = ()
    labels: Optional[tuple[str, ...]] = None


class Format(Protocol):
    """The functions of a format module."""

    def accepts(self, folder: Path) -> bool: ...

    def read(self, folder: Path) -> Splits: ...


def names() -> tuple[str, ...]:
    """The names of all formats, sorted."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")))


def find(name: str) -> Format:
    """The format of that name. Raises InputError where there is none."""
    if name not in names():
        raise InputError(f"no data set format {name!r}; there are: {', '.join(names())}")
    return importlib.import_module(f"{__name__}.{name}")


def detect(folder: Path) -> Format:
    """The format that accepts `folder`. Raises InputError where none does, or more than one."""
    found = [name for name in names() if find(name).accepts(folder)]
    if not found:
        raise InputError(
            f"{folder}: no labelled images of a known format in it ({', '.join(names())});"
            " give the folder that holds both the images and their annotations"
        )
    if len(found) > 1:
        raise InputError(f"{folder}: could be {' or '.join(found)}; say which with --format")
    return find(found[0])
