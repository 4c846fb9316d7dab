"""The meaning of a table's columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Optional

from train.dataset.examples.image_files import quoted
from train.dataset.examples.split_names import split_of

Sides = tuple[float, float, float, float]

# What programs write into an empty cell.
_NOTHING = frozenset(("", "nan", "null", "none", "na", "n/a"))
_BACKGROUND = _NOTHING | {"background", "negative"}

_OPEN = frozenset(("", "unassigned", "none", "nan"))

# Other forms of numbers than this are no pixels, and a longer one takes long to convert.
_MAX_DIGITS = 40


@dataclass(frozen=True)
class Layout:
    """Which columns of a table hold what, by their indices, which count from 0.

    `box` are the columns of the box: four numbers, the eight of its corners, or a single cell, of which `sides` makes
    (xmin, ymin, xmax, ymax). `names` are the names of these columns for messages. `label`, `size` (width, height of
    the image), `split` and `group` (1 where the box is around a group of objects) are None if the table has no such
    columns. `columns` is the number of cells that a line needs. `subset` is True for tables of which people take
    some images only.
    """

    path: int
    box: tuple[int, ...]
    names: tuple[str, ...]
    sides: Callable[[Sequence[float]], Sides]
    label: Optional[int] = None
    size: Optional[tuple[int, int]] = None
    split: Optional[int] = None
    group: Optional[int] = None
    header: bool = True
    columns: int = 0
    subset: bool = False
    cell: Optional[Callable[[Sequence[str]], tuple[str, Optional[Sides]]]] = None

    def read(self, cells: Sequence[str], decimal_comma: bool = False) -> tuple[str, Optional[Sides]]:
        """Returns the class name and the sides of a line's box; None for the sides if the image is background there.

        Raises ValueError with the fault if a coordinate is no number.
        """
        if self.cell is not None:
            return self.cell(cells)
        texts = [cells[column] for column in self.box]
        label = cells[self.label] if self.label is not None else ""
        try:
            numbers = [float(text) for text in texts]
            nothing = all(map(math.isnan, numbers))
        except ValueError:
            nothing = all(text.lower() in _NOTHING for text in texts)
            numbers = []
        if nothing and label.lower() in _BACKGROUND:
            return "", None
        if not numbers:
            numbers = [self._number(text, name, decimal_comma) for text, name in zip(texts, self.names)]
        return label, self.sides(numbers)

    def image_size(self, cells: Sequence[str]) -> Optional[tuple[float, float]]:
        """Returns the (width, height) of the image that a line gives, in pixels; None where it gives none."""
        if self.size is None:
            return None
        try:
            width, height = (float(cells[column] or 0) for column in self.size)
        except ValueError:
            return None
        return (width, height) if math.isfinite(width) and math.isfinite(height) else None

    @staticmethod
    def _number(text: str, name: str, decimal_comma: bool) -> float:
        try:
            if len(text) <= _MAX_DIGITS:
                return float(text.replace(",", ".") if decimal_comma else text)
        except ValueError:
            pass
        raise ValueError(f"has {name}={quoted(text)}, which is not a number of pixels")


def split_value(cell: str) -> Optional[str]:
    """Returns "train", "val" or "test" for a cell that names a split, "" for one that leaves it open, else None."""
    if cell.lower() in _OPEN:
        return ""
    return (split_of(PurePath(cell)) or None) if cell.isalpha() else None


def from_corners(numbers: Sequence[float]) -> Sides:
    """Sides from (xmin, ymin, xmax, ymax)."""
    xmin, ymin, xmax, ymax = numbers
    return xmin, ymin, xmax, ymax


def from_size(numbers: Sequence[float]) -> Sides:
    """Sides from (xmin, ymin, width, height)."""
    x, y, width, height = numbers
    return x, y, x + width, y + height


def from_center(numbers: Sequence[float]) -> Sides:
    """Sides from (xcenter, ycenter, width, height)."""
    x, y, width, height = numbers
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def from_polygon(numbers: Sequence[float]) -> Sides:
    """Sides from the corners of a polygon, x and y in turn."""
    xs, ys = numbers[::2], numbers[1::2]
    return min(xs), min(ys), max(xs), max(ys)
