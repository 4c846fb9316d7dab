"""Intersection over union of values of the kit: each of some boxes with each of others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runtime.boxes.iou import iou as array_iou
from runtime.common.values import Box


def iou(boxes: Sequence[Box], others: Sequence[Box]) -> np.ndarray:
    """IoU of each of `boxes` with each of `others`: float64 [len(boxes), len(others)].

    It is 0 for boxes without area.
    """
    a, b = (np.array([box.as_tuple() for box in side], np.float64).reshape(-1, 4) for side in (boxes, others))
    one, other = (np.maximum(side[:, 2:] - side[:, :2], 0).prod(axis=1) for side in (a, b))
    return array_iou(a.T[:, :, None], b.T[:, None], one[:, None], other[None])
