"""Intersection over union of boxes, in NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runtime.common.values import Box


def iou(boxes: Sequence[Box], others: Sequence[Box]) -> np.ndarray:
    """IoU of each of `boxes` with each of `others`: float64 [len(boxes), len(others)].

    It is 0 for boxes without area.
    """
    a, b = (np.array([box.as_tuple() for box in side], np.float64).reshape(-1, 4) for side in (boxes, others))
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.maximum(high - low, 0).prod(axis=2)
    one, other = (np.maximum(side[:, 2:] - side[:, :2], 0).prod(axis=1) for side in (a, b))
    union = one[:, None] + other[None] - shared
    result: np.ndarray = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return result
