"""Tiles: the overlapping parts that an image is cut into, so that small objects are larger in the detector's input."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass, fields
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple, Union

import numpy as np

from runtime.common.errors import InputError

OVERLAP = 0.2
# What stands for whole images, where tiles are what is used otherwise.
NONE = "none"
_OVERLAPS = (0.05, 0.5)
# Each tile is an image of its own to the engine.
_MOST = 16
_SWITCH = {"yes": True, "no": False, "true": True, "false": False}
_READERS: Dict[str, Callable[[str], Any]] = {"overlap": float, "whole": _SWITCH.__getitem__}

_GRID = re.compile(r"(\d{1,2})\s*[xX]\s*(\d{1,2})")


class Window(NamedTuple):
    """A part of an image in whole pixels; `right` and `bottom` are the first beyond it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return self.bottom - self.top

    def of(self, image: np.ndarray) -> np.ndarray:
        """That part of `image` [height, width, ...], as a view."""
        return image[self.top : self.bottom, self.left : self.right]


@dataclass(frozen=True)
class Tiles:
    """A grid of `columns` x `rows` tiles of one size.

    Neighbours share `overlap` of a tile's side: an object that is smaller than that lies in one of them as a whole. With
    `whole` the image as a whole is looked at too, which finds what is larger than a tile.
    """

    columns: int
    rows: int
    overlap: float = OVERLAP
    whole: bool = True

    def __post_init__(self) -> None:
        """Raises InputError for a grid of one tile or of too many, and for an overlap out of range."""
        if not (1 <= self.columns <= _MOST and 1 <= self.rows <= _MOST):
            raise InputError(f"tiles {self.columns}x{self.rows}: give 1 to {_MOST} columns and rows")
        if self.columns * self.rows == 1:
            raise InputError("tiles 1x1: one tile is the image itself; leave tiles out, or give 2x1 or 2x2")
        if not _OVERLAPS[0] <= self.overlap <= _OVERLAPS[1]:
            raise InputError(f"tiles: overlap={self.overlap:g} is not between {_OVERLAPS[0]:g} and {_OVERLAPS[1]:g}")

    @classmethod
    def of(cls, value: Union[Tiles, str]) -> Tiles:
        """The tiles that `value` stands for: "2x1", which is columns x rows, or "2x2,overlap=0.3,whole=no".

        Raises InputError for what are no tiles.
        """
        if isinstance(value, Tiles):
            return value
        grid, *settings = (part.strip() for part in str(value).split(","))
        match = _GRID.fullmatch(grid)
        if not match:
            raise InputError(f"{value!r} are no tiles; give COLUMNSxROWS, such as 2x1 or 2x2,overlap=0.3,whole=no")
        given: Dict[str, Any] = {}
        for setting in settings:
            name, _, text = (part.strip() for part in setting.partition("="))
            try:
                given[name] = _READERS[name](text)
            except (KeyError, ValueError):
                raise InputError(
                    f"tiles {value}: {setting!r} is no setting of them; there are overlap=SHARE and whole=yes or no"
                ) from None
        return cls(int(match[1]), int(match[2]), **given)

    @property
    def count(self) -> int:
        """How many windows there are, the whole image included."""
        return self.columns * self.rows + self.whole

    def windows(self, width: int, height: int) -> Tuple[Window, ...]:
        """The tiles of an image of `width` x `height` pixels, row by row, and then the whole image where it belongs to them."""
        across, down = spans(width, self.columns, self.overlap), spans(height, self.rows, self.overlap)
        made = [Window(left, top, right, bottom) for top, bottom in down for left, right in across]
        return (*made, Window(0, 0, width, height)) if self.whole else tuple(made)

    def __str__(self) -> str:
        """The text that `of` reads, without the settings that have their defaults."""
        grid, overlap, whole = f"{self.columns}x{self.rows}", "", ""
        defaults = {field.name: field.default for field in fields(self)}
        if self.overlap != defaults["overlap"]:
            overlap = f",overlap={self.overlap:g}"
        if self.whole != defaults["whole"]:
            whole = f",whole={'yes' if self.whole else 'no'}"
        return grid + overlap + whole


def spans(length: Any, count: int, overlap: float) -> List[Tuple[Any, Any]]:
    """Where `count` tiles of one size begin and end along an axis of `length` pixels.

    In integers throughout, so that training, which has the length as a TensorFlow tensor, cuts at the same pixels.
    """
    shared = round(1000 * overlap)
    side = -((-1000 * length) // (1000 * count - shared * (count - 1)))
    starts = [(length - side) * place // (count - 1) if count > 1 else length - side for place in range(count)]
    return [(start, start + side) for start in starts]


def advice(file: str, trained: Optional[Tiles], used: Optional[Tiles]) -> str:
    """What to tell somebody who uses `file` with other tiles than it was trained on; empty where there is nothing to tell."""
    if trained is None or trained == used:
        return ""
    without = "" if used is None else f" instead of {used}"
    return f"note: {file}: trained on tiles {trained}; give --tiles {trained}{without}"


def tiles(text: str) -> Tiles:
    """Argparse type: `2x1`, `2x2,overlap=0.3`."""
    try:
        return Tiles.of(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def or_none(value: Union[Tiles, str, None]) -> Optional[Tiles]:
    """The tiles that `value` stands for, as for `Tiles.of`; None for whole images, which "none" and None stand for.

    Raises InputError for what are neither.
    """
    return None if value is None or value == NONE else Tiles.of(value)


def tiles_or_none(text: str) -> Union[Tiles, str]:
    """Argparse type: as `tiles`, and `none`, which stays this word, since None is an option that was not given."""
    return text if text == NONE else tiles(text)
