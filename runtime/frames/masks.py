"""Masks: parts of the image that are blackened before anything sees them, for privacy."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from typing import List, Optional, Sequence, Tuple

import numpy as np

from runtime.areas import coordinates
from runtime.common.errors import InputError
from runtime.common.opencv import cv2
from runtime.common.values import Frame

# A corner beyond the image counts as lying on its edge, or a little outside.
_MOST_PIXELS = 32_000


@dataclass(frozen=True)
class Mask:
    """A polygon with corners (x, y), in pixels if `pixels` is true, else in shares of the image from 0 to 1."""

    corners: coordinates.Corners
    pixels: bool

    def within(self, width: int, height: int) -> np.ndarray:
        """Its corners in whole pixels, int32 [N, 2], for an image of `width` x `height`.

        Raises InputError where the polygon covers nothing of the image.
        """
        scale = (1.0, 1.0) if self.pixels else (float(width), float(height))
        corners = np.floor(np.array(self.corners) * scale).clip(0, _MOST_PIXELS).astype(np.int32)
        left, top = corners.min(axis=0)
        if left >= width or top >= height:
            raise InputError(f"--mask {self}: lies outside the image, which is {width} x {height}")
        return corners

    def scaled(self, across: float, down: float) -> Mask:
        """The same place where the image has `across` and `down` times as many pixels."""
        return replace(self, corners=tuple((x * across, y * down) for x, y in self.corners)) if self.pixels else self

    def __str__(self) -> str:
        return coordinates.text(self.corners)


def mask(text: str) -> Mask:
    """Argparse type `X,Y,X,Y,X,Y[,...]`: pixels if any value is over 1, else shares of the image."""
    corners = coordinates.corners(text)
    if corners is None or len(corners) < 3:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no polygon X,Y,X,Y,X,Y of three or more corners, as in 0,0,0.3,0,0.3,0.2,0,0.2"
        )
    if not coordinates.has_area(corners):
        raise argparse.ArgumentTypeError(f"{text!r}: the polygon has no area")
    return Mask(corners, coordinates.are_pixels(corners))


class Blackout:
    """Blackens the masked parts of frames of any size."""

    def __init__(self, masks: Sequence[Mask], one_camera: bool = False) -> None:
        """With `one_camera`, frames of another size show what the first one did, so that masks in pixels grow or shrink."""
        self._masks = tuple(masks)
        self._one_camera = one_camera
        self._first: Optional[Tuple[int, int]] = None
        self._size: Optional[Tuple[int, int]] = None
        self._polygons: List[np.ndarray] = []
        self._has_warned = False

    def __call__(self, frame: Frame) -> Frame:
        """The frame with its masked parts black; its image is changed where it may be, else copied.

        Raises InputError where a mask lies outside of the image.
        """
        if not self._masks:
            return frame
        height, width = frame.image.shape[:2]
        if self._size != (width, height):
            self._fit(width, height)
        image = frame.image
        if not (image.flags.writeable and image.flags.c_contiguous):
            image = np.ascontiguousarray(image).copy()
            frame = replace(frame, image=image)
        # One by one: where two overlap, a single call would leave what both cover.
        for polygon in self._polygons:
            cv2.fillPoly(image, [polygon], (0, 0, 0))
        return frame

    def _fit(self, width: int, height: int) -> None:
        first = self._first = self._first or (width, height)
        masks = self._masks
        if self._one_camera:
            masks = tuple(item.scaled(width / first[0], height / first[1]) for item in masks)
        self._polygons = [part for item in masks for part in _enclosed(item.within(width, height), width, height)]
        if self._size is not None and not self._one_camera and not self._has_warned:
            self._has_warned = True
            for item in masks:
                if item.pixels:
                    print(
                        f"warning: --mask {item}: is in pixels, and the image is {width} x {height} now, not "
                        f"{self._size[0]} x {self._size[1]}; shares from 0 to 1 stay at their place",
                        file=sys.stderr,
                    )
        self._size = (width, height)


def _enclosed(corners: np.ndarray, width: int, height: int) -> List[np.ndarray]:
    """Polygons around all that the one with `corners` encloses in an image of `width` x `height`.

    Where its sides cross, as a hand draws a star, OpenCV leaves out what it encloses twice.
    """
    filled = np.zeros((height, width), np.uint8)
    cv2.fillPoly(filled, [corners], 1)
    return list(cv2.findContours(filled, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[-2])
