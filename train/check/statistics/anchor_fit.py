"""The best anchor of each labelled box, without TensorFlow and without comparing all anchors."""

from __future__ import annotations

import numpy as np

from runtime.boxes.iou import iou
from train.geometry.head import Head

# Boxes that are processed together, which takes about 100 MB.
_CHUNK = 1 << 16


def best_anchors(boxes: np.ndarray, head: Head) -> tuple[np.ndarray, np.ndarray]:
    """Finds the anchor with the highest IoU for each of `boxes` [N, 4] (ymin, xmin, ymax, xmax in 0..1).

    Returns the IoUs, float64 [N], and the indices of the anchors in `head.anchors`, int [N]. Of all anchors of
    one shape, the one whose center is nearest in both directions overlaps a box most; so only one anchor per shape and
    box is compared.
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    parts = [_best(boxes[start : start + _CHUNK], head) for start in range(0, max(len(boxes), 1), _CHUNK)]
    overlaps, indices = zip(*parts)
    return np.concatenate(overlaps), np.concatenate(indices)


def _best(boxes: np.ndarray, head: Head) -> tuple[np.ndarray, np.ndarray]:
    centers, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    overlaps, indices = [], []
    first = 0
    for level in head.levels:
        per_cell = len(level.shapes)
        grid = level.table(head.size).astype(np.float64).reshape(level.rows, level.columns, per_cell, 4)
        rows, columns = (
            np.searchsorted((line[1:] + line[:-1]) / 2, centers[:, axis])
            for axis, line in enumerate((grid[:, 0, 0, 0], grid[0, :, 0, 1]))
        )
        overlaps.append(_iou(boxes, sides, grid[rows, columns]))
        indices.append(first + (rows * level.columns + columns)[:, None] * per_cell + np.arange(per_cell))
        first += level.count
    overlap, index = np.concatenate(overlaps, axis=1), np.concatenate(indices, axis=1)
    best = overlap.argmax(axis=1)[:, None]
    return np.take_along_axis(overlap, best, 1)[:, 0], np.take_along_axis(index, best, 1)[:, 0]


def _iou(boxes: np.ndarray, sides: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """Returns the IoU [N, K] of boxes [N, 4], whose heights and widths are `sides` [N, 2], and their anchors.

    `anchors` [N, K, 4] are (ycenter, xcenter, height, width).
    """
    centers, half = anchors[..., :2], anchors[..., 2:] / 2
    corners = np.moveaxis(np.concatenate((centers - half, centers + half), axis=2), 2, 0)
    return iou(boxes.T[:, :, None], corners, sides.prod(axis=1)[:, None], anchors[..., 2:].prod(axis=2))
