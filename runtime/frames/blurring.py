"""Makes objects of some classes unrecognizable, such as faces and licence plates."""

from __future__ import annotations

from dataclasses import replace
from typing import Iterable, List, Optional, Sequence, Tuple

import numpy as np

from runtime.common.opencv import cv2
from runtime.common.values import Box, Detection, Frame

# Objects that are unsure are blurred too: one that is blurred without need is the smaller harm.
FLOOR = 0.2

# Tiles along the longer side of what is left of an object. A face of less than about 10 x 10 pixels is not recognized by
# people, nor told apart by programs, whatever they sharpen.
_TILES = 6
# Share of the box that is blurred beyond it, on every side.
_MARGIN = 0.1
# Tiles along the longer side of what the detector does not see: of an object of half that size, as few as above are left.
_UNSEEN_TILES = 2 * _TILES


class Blurring:
    """Replaces what lies in the boxes of some classes by a few tiles of its mean colours, which nothing undoes."""

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = frozenset(classes)

    def __call__(self, frame: Frame, found: Iterable[Detection], seen: Optional[Box] = None) -> Frame:
        """The frame, unrecognizable at the boxes in `found`, which are in its pixels, and outside of `seen`.

        `seen` is the part of the image that the detector has looked at, None for all of it: what may be in the rest is not
        known. Its image is changed where it may be, else copied.
        """
        height, width = frame.image.shape[:2]
        parts = [_around(item.box, width, height) for item in found if item.label in self.classes]
        unseen = _beside(seen, width, height) if seen is not None else []
        if (parts or unseen) and not frame.image.flags.writeable:
            frame = replace(frame, image=frame.image.copy())
        for part in parts:
            _pixelate(frame.image[part], max(frame.image[part].shape[:2]) / _TILES)
        for part in unseen:
            _pixelate(frame.image[part], max(width, height) / _UNSEEN_TILES)
        return frame


# Rows and columns of an image.
_Part = Tuple[slice, slice]


def _around(box: Box, width: int, height: int) -> _Part:
    """A box and its margin, within an image of `width` x `height`; maybe nothing."""
    across, down = _MARGIN * box.width, _MARGIN * box.height
    left, right = max(0, int(box.xmin - across)), min(width, int(np.ceil(box.xmax + across)))
    top, bottom = max(0, int(box.ymin - down)), min(height, int(np.ceil(box.ymax + down)))
    return slice(top, max(bottom, top)), slice(left, max(right, left))


def _beside(box: Box, width: int, height: int) -> List[_Part]:
    """What of an image of `width` x `height` lies outside a box in whole pixels: above, below, left and right of it."""
    left, top, right, bottom = map(int, box.as_tuple())
    middle = slice(top, bottom)
    return [
        (slice(0, top), slice(0, width)), (slice(bottom, height), slice(0, width)),
        (middle, slice(0, left)), (middle, slice(right, width)),
    ]  # fmt: skip


def _pixelate(part: np.ndarray, side: float) -> None:
    """Turns a view of an image into tiles of about `side` pixels, of their mean colours."""
    if not part.size:
        return
    size = (max(1, round(part.shape[1] / side)), max(1, round(part.shape[0] / side)))
    tiles = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    part[...] = cv2.resize(tiles, part.shape[1::-1], interpolation=cv2.INTER_NEAREST)
