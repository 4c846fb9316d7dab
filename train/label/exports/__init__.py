"""Writers of proposed boxes, one module for a label tool's format, found by its name.

A module of this package provides

    write(images: Sequence[ProposedImage], labels: Labels, folder: Path, out: str) -> str

It writes annotations into `folder`, where the images lie in `images/` by their names, and returns what to do next in the
tool; `out` is the name that the folder will have. A new format is a new file here. Data sets for training are written by `train.dataset.writers`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from pathlib import Path

from runtime.common.values import Labels
from train.label.proposals import ProposedImage

Write = Callable[[Sequence[ProposedImage], Labels, Path, str], str]


def names() -> tuple[str, ...]:
    """The names of all formats, sorted."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def writer(name: str) -> Write:
    """The function `write` of the format `name`, one of `names`."""
    write: Write = importlib.import_module(f"{__name__}.{name}").write
    return write
