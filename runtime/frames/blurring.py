"""Makes objects of some classes unrecognizable, such as faces and licence plates."""

from __future__ import annotations

from dataclasses import replace
from typing import Iterable, Sequence

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


class Blurring:
    """Replaces what lies in the boxes of some classes by a few tiles of its mean colours, which nothing undoes."""

    def __init__(self, classes: Sequence[str]) -> None:
        self._classes = frozenset(classes)

    def __call__(self, frame: Frame, found: Iterable[Detection]) -> Frame:
        """The frame, unrecognizable at the boxes in `found`, which are in its pixels.

        Its image is changed where it may be, else copied.
        """
        boxes = [item.box for item in found if item.label in self._classes]
        if boxes and not frame.image.flags.writeable:
            frame = replace(frame, image=frame.image.copy())
        for box in boxes:
            _pixelate(frame.image, box)
        return frame


def _pixelate(image: np.ndarray, box: Box) -> None:
    height, width = image.shape[:2]
    across, down = _MARGIN * box.width, _MARGIN * box.height
    left, right = max(0, int(box.xmin - across)), min(width, int(np.ceil(box.xmax + across)))
    top, bottom = max(0, int(box.ymin - down)), min(height, int(np.ceil(box.ymax + down)))
    if right <= left or bottom <= top:
        return
    part = image[top:bottom, left:right]
    scale = _TILES / max(part.shape[:2])
    size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
    tiles = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    part[...] = cv2.resize(tiles, part.shape[1::-1], interpolation=cv2.INTER_NEAREST)
