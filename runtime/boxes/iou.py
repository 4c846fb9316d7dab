"""Intersection over union of boxes, in NumPy."""

from __future__ import annotations

import numpy as np


def iou(boxes: np.ndarray, others: np.ndarray, area: np.ndarray, other_area: np.ndarray) -> np.ndarray:
    """IoU of boxes and others, float [4 or more, ...]: rows of ymin, xmin, ymax, xmax, or of xmin, ymin, xmax, ymax.

    The rows broadcast with each other and with `area` and `other_area`, the boxes' areas, which callers that compare a
    box with many know already; the result has their shape and type. It is 0 where a box has no area.

    In float32, as in ComputeIntersectionOverUnion of tensorflow/lite/kernels/detection_postprocess.cc, to the last bit.
    """
    height = np.minimum(boxes[2], others[2]) - np.maximum(boxes[0], others[0])
    width = np.minimum(boxes[3], others[3]) - np.maximum(boxes[1], others[1])
    shared: np.ndarray = np.maximum(height, 0) * np.maximum(width, 0)
    result = np.zeros_like(shared)
    np.divide(shared, area + other_area - shared, out=result, where=(area > 0) & (other_area > 0))
    return result
