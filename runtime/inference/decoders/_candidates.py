"""Candidates: pairs of a place and a class with a score, and what non-maximum suppression leaves of them."""

from __future__ import annotations

from typing import Callable, Tuple

import numpy as np

from runtime.boxes.nms import Kept
from runtime.model.ports import Port, real_values

# Candidates decoded and suppressed at a time: the best usually fill an image's detections, or are all.
_AT_ONCE = 256
# For suppression: where the sides of boxes are cut, and how far apart two classes lie.
_NEAREST, _FARTHEST, _CLASS_STEP = np.float32(-1), np.float32(2), np.float32(4)


def falling(stored: np.ndarray, most: int) -> np.ndarray:
    """Places of the `most` highest, falling, equal ones in their order."""
    # From the end: stable sorting of the negative would overflow at the lowest int8.
    order = len(stored) - 1 - np.argsort(stored[::-1], kind="stable")[::-1]
    return order[:most]


def suppressed(
    anchors: np.ndarray, classes: np.ndarray, boxes_of: Callable[[np.ndarray], np.ndarray], most: int, iou: float
) -> Tuple[np.ndarray, np.ndarray]:
    """The first `most` candidates that overlap none of their class before them by more than `iou`.

    `anchors` and `classes`, int [M], are the candidates, highest score first; `boxes_of` gives the boxes of some
    anchors, float32 [K, 4] as ymin, xmin, ymax, xmax relative to the input. Returns their places, int [L], and their
    boxes. Only boxes that suppression comes to are decoded.
    """
    kept, boxes = Kept(most, iou), [np.empty((0, 4), np.float32)]
    for start in range(0, len(anchors), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        boxes.append(boxes_of(anchors[some]))
        kept.add(_apart(boxes[-1], classes[some]))
        if kept.full:
            break
    places = kept.places
    return places, np.concatenate(boxes)[places]


def lowest(port: Port, least: float) -> np.generic:
    """The lowest value that `port` stores for a real number of at least `least`; the highest there is if none is.

    In the type of the values, so that NumPy compares bytes with a byte.
    """
    if not port.is_quantized:
        return np.float32(least)
    limits = np.iinfo(port.dtype)
    values = np.arange(limits.min, limits.max + 1).astype(port.dtype)
    found: np.generic = values[min(int(np.count_nonzero(real_values(values, port) < least)), len(values) - 1)]
    return found


def _apart(boxes: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The boxes, cut, those of each class at a place of their own."""
    inside: np.ndarray = np.clip(boxes, _NEAREST, _FARTHEST)
    inside[:, ::2] += (classes.astype(np.float32) * _CLASS_STEP)[:, np.newaxis]
    return inside
