"""Regions of interest: where in the image objects are looked for."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from typing import Sequence, Tuple

import numpy as np

from runtime.common.errors import InputError
from runtime.common.values import Box, Detection


@dataclass(frozen=True)
class Region:
    """A rectangle. Sides are pixels where `pixels` is true, else shares of the image from 0 to 1."""

    left: float
    top: float
    right: float
    bottom: float
    pixels: bool

    def within(self, width: int, height: int) -> Box:
        """In pixels of an image of that size, at least one wide and high.

        Raises InputError where it lies outside.
        """
        across, down = (1, 1) if self.pixels else (width, height)
        box = Box(
            min(max(self.left * across, 0.0), width),
            min(max(self.top * down, 0.0), height),
            min(self.right * across, float(width)),
            min(self.bottom * down, float(height)),
        )
        if box.width < 1 or box.height < 1:
            raise InputError(f"--roi {self}: lies outside the image, which is {width} x {height}")
        return box

    def __str__(self) -> str:
        return ",".join(f"{side:g}" for side in (self.left, self.top, self.right, self.bottom))


def region(text: str) -> Region:
    """`LEFT,TOP,RIGHT,BOTTOM` for argparse: shares of the image where none is over 1, else pixels."""
    try:
        sides = [float(side) for side in text.split(",")]
    except ValueError:
        sides = []
    if len(sides) != 4 or not all(0 <= side < 1e6 for side in sides):
        raise argparse.ArgumentTypeError(f"{text!r} is not LEFT,TOP,RIGHT,BOTTOM, as in 0,0.5,1,1 or 0,200,640,480")
    if sides[0] >= sides[2] or sides[1] >= sides[3]:
        raise argparse.ArgumentTypeError(f"{text!r}: the right must be beyond the left, the bottom below the top")
    return Region(*sides, pixels=max(sides) > 1)


class Cut:
    """The part of an image that holds all regions: what the detector sees, so that things in it are
    larger for it; and of what it finds, what has its middle in one of them.
    """

    def __init__(self, regions: Sequence[Region], width: int, height: int) -> None:
        """For images of `width` x `height`. Raises InputError where a region lies outside."""
        self._boxes = [item.within(width, height) for item in regions]
        self.left = int(min(box.xmin for box in self._boxes))
        self.top = int(min(box.ymin for box in self._boxes))
        self.right = int(np.ceil(max(box.xmax for box in self._boxes)))
        self.bottom = int(np.ceil(max(box.ymax for box in self._boxes)))
        self.of = (width, height)

    def apply(self, image: np.ndarray) -> np.ndarray:
        """A view of that part."""
        return image[self.top : self.bottom, self.left : self.right]

    def undo(self, detections: Tuple[Detection, ...]) -> Tuple[Detection, ...]:
        """What was found in the part, in pixels of the whole image."""
        moved = [replace(item, box=self._moved(item.box)) for item in detections]
        return tuple(item for item in moved if any(_holds(box, item.box) for box in self._boxes))

    def _moved(self, box: Box) -> Box:
        return Box(box.xmin + self.left, box.ymin + self.top, box.xmax + self.left, box.ymax + self.top)


def _holds(box: Box, other: Box) -> bool:
    x, y = (other.xmin + other.xmax) / 2, (other.ymin + other.ymax) / 2
    return box.xmin <= x <= box.xmax and box.ymin <= y <= box.ymax
