"""Regions of interest: the parts of the image in which objects are detected."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from typing import Iterable, Optional, Sequence, Tuple

import numpy as np

from runtime.common.errors import InputError
from runtime.common.values import Box, Detection


@dataclass(frozen=True)
class Region:
    """A rectangle. Its sides are pixels if `pixels` is true, else shares of the image from 0 to 1."""

    left: float
    top: float
    right: float
    bottom: float
    pixels: bool

    def within(self, width: int, height: int) -> Box:
        """The region in pixels of an image of `width` x `height`, clipped to it.

        Raises InputError if less than one pixel of it lies inside.
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

    def scaled(self, across: float, down: float) -> Region:
        """The same place where the image has `across` and `down` times as many pixels."""
        if not self.pixels:
            return self
        return Region(self.left * across, self.top * down, self.right * across, self.bottom * down, True)

    def __str__(self) -> str:
        return ",".join(f"{side:g}" for side in (self.left, self.top, self.right, self.bottom))


def region(text: str) -> Region:
    """Argparse type `LEFT,TOP,RIGHT,BOTTOM`: pixels if any value is over 1, else shares of the image."""
    try:
        sides = [float(side) for side in text.split(",")]
    except ValueError:
        sides = []
    if len(sides) != 4 or not all(0 <= side < 1e6 for side in sides):
        raise argparse.ArgumentTypeError(f"{text!r} is not LEFT,TOP,RIGHT,BOTTOM, as in 0,0.5,1,1 or 0,200,640,480")
    left, top, right, bottom = sides
    if left >= right or top >= bottom:
        raise argparse.ArgumentTypeError(f"{text!r}: the right must be beyond the left, the bottom below the top")
    return Region(left, top, right, bottom, pixels=max(sides) > 1)


class Crop:
    """The smallest part of an image that contains all regions.

    The detector sees only this part, so objects are larger in its input. Of its detections, those are kept
    whose center lies in one of the regions.
    """

    def __init__(self, regions: Sequence[Region], width: int, height: int) -> None:
        """For images of `width` x `height`. Raises InputError if a region lies outside."""
        self._boxes = [item.within(width, height) for item in regions]
        self.left = int(min(box.xmin for box in self._boxes))
        self.top = int(min(box.ymin for box in self._boxes))
        self.right = int(np.ceil(max(box.xmax for box in self._boxes)))
        self.bottom = int(np.ceil(max(box.ymax for box in self._boxes)))
        self.image_size = (width, height)

    @property
    def box(self) -> Box:
        """That part, in pixels of the image."""
        return Box(self.left, self.top, self.right, self.bottom)

    def apply(self, image: np.ndarray) -> np.ndarray:
        """That part of `image`, as a view."""
        return image[self.top : self.bottom, self.left : self.right]

    def to_image(self, detections: Tuple[Detection, ...]) -> Tuple[Detection, ...]:
        """Maps detections from pixels of the crop to pixels of the image, and drops those outside all regions."""
        moved = self.moved(detections)
        return tuple(item for item in moved if any(_has_center_of(box, item.box) for box in self._boxes))

    def moved(self, detections: Iterable[Detection]) -> Tuple[Detection, ...]:
        """Maps detections from pixels of the crop to pixels of the image, and keeps all."""
        return tuple(replace(item, box=item.box.moved(self.left, self.top)) for item in detections)


def _has_center_of(box: Box, other: Box) -> bool:
    x, y = (other.xmin + other.xmax) / 2, (other.ymin + other.ymax) / 2
    return box.xmin <= x <= box.xmax and box.ymin <= y <= box.ymax


class Crops:
    """The part of each image that holds all regions, as the size of the images may change."""

    def __init__(self, regions: Sequence[Region], live: bool) -> None:
        """`live` is whether a camera that comes back with more or fewer pixels shows the same, so that regions in pixels grow with it."""
        self._regions = regions
        self._live = live
        self._crop: Optional[Crop] = None
        self._first: Optional[Tuple[int, int]] = None

    def of(self, image: np.ndarray) -> Optional[Crop]:
        """The crop for an image, [height, width, channels]; None where there are no regions. Raises InputError as `Crop` does."""
        if not self._regions:
            return None
        size = (image.shape[1], image.shape[0])
        if self._crop is None or self._crop.image_size != size:
            first = self._first = self._first or size
            scale = (size[0] / first[0], size[1] / first[1]) if self._live else (1.0, 1.0)
            self._crop = Crop([region.scaled(*scale) for region in self._regions], *size)
        return self._crop
