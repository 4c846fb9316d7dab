"""Outputs of YOLO-style detectors that mean given boxes, in all layouts that exporters have."""

from __future__ import annotations

from typing import Mapping, Sequence, Tuple

import numpy as np

# xmin, ymin, xmax, ymax relative to the input, class and score.
Found = Tuple[float, float, float, float, int, float]

SIDE = 64
# Anchors of networks for SIDE pixels: in cells of 8, 16 and 32 pixels.
CELLS = 84

# In a SIDE x SIDE input; an image of 200 x 100 pixels fills its rows from 16 to 48. The second overlaps the first, the
# third is of another class, and the fourth lies elsewhere.
GOLDEN: Sequence[Found] = (
    (0.25, 0.3125, 0.5, 0.5625, 1, 0.9),
    (0.2656, 0.3125, 0.5, 0.5625, 1, 0.8),
    (0.25, 0.3125, 0.5, 0.625, 0, 0.7),
    (0.625, 0.5, 0.875, 0.6875, 0, 0.6),
)
# What is found of it in that image: left, top, right, bottom, class and score.
EXPECTED: Sequence[Found] = (
    (50, 12.5, 100, 62.5, 1, 0.9),
    (50, 12.5, 100, 75, 0, 0.7),
    (125, 50, 175, 87.5, 0, 0.6),
)


def dense(
    found: Sequence[Found] = GOLDEN, classes: int = 2, *, objectness: bool, turned: bool, pixels: bool
) -> np.ndarray:
    """One row of values for each anchor, float32 [1, anchors, values], or `turned`; anchors without boxes are near 0."""
    count = CELLS * (3 if objectness else 1)
    first = 5 if objectness else 4
    rows = np.zeros((count, first + classes), np.float32)
    # As in every network, centres are all over the input.
    rows[:, :2] = np.linspace(0.01, 0.99, count)[:, np.newaxis]
    for place, (left, top, right, bottom, label, score) in enumerate(found):
        row = rows[7 * place]
        row[:4] = (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
        if objectness:
            row[4], row[5 + label] = 0.95, score / 0.95
        else:
            row[4 + label] = score
    rows[:, :4] *= SIDE if pixels else 1
    return np.ascontiguousarray(rows.T if turned else rows)[np.newaxis]


def suppressed(found: Sequence[Found], count: int = 300, *, pixels: bool) -> np.ndarray:
    """Rows of boxes, score and class, float32 [1, count, 6]; those that no detection fills are zero."""
    rows = np.zeros((1, count, 6), np.float32)
    for place, (*box, label, score) in enumerate(found):
        rows[0, place] = (*(side * (SIDE if pixels else 1) for side in box), score, label)
    return rows


def quantized(values: np.ndarray, name: str, dtype: str) -> Tuple[np.ndarray, Mapping[str, Tuple[float, int]]]:
    """`values` with one scale, and that as `tiny_detector.build` takes it."""
    scale, zero_point = 1 / 200, -128 if dtype == "int8" else 0
    limits = np.iinfo(dtype)
    stored = np.clip(np.rint(values / scale) + zero_point, limits.min, limits.max).astype(dtype)
    return stored, {name: (scale, zero_point)}
