"""The best anchor of each labelled box, without TensorFlow and without comparing all anchors."""

from __future__ import annotations

import numpy as np

from runtime.inference.iou import iou
from train.models.anchors import LEVELS, PER_CELL, feature_sides, level_anchors

# Boxes that are processed together, which takes about 100 MB.
_CHUNK = 1 << 16


def best_anchors(boxes: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Finds the anchor with the highest IoU for each of `boxes` [N, 4] (ymin, xmin, ymax, xmax in 0..1).

    Returns the IoUs, float64 [N], and the indices of the anchors in `anchors(size)`, int [N]. Of all anchors of
    one shape, the one whose center is nearest in both directions overlaps a box most; so only 30 anchors per
    box are compared.
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    parts = [_best(boxes[start : start + _CHUNK], size) for start in range(0, max(len(boxes), 1), _CHUNK)]
    overlaps, indices = zip(*parts)
    return np.concatenate(overlaps), np.concatenate(indices)


def _best(boxes: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    centers, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    overlaps, indices = [], []
    first = 0
    for level, cells in zip(LEVELS, feature_sides(size)):
        grid = level_anchors(size, level).astype(np.float64).reshape(cells, cells, PER_CELL, 4)
        line = grid[:, 0, 0, 0]
        rows, columns = np.searchsorted((line[1:] + line[:-1]) / 2, centers).T
        overlaps.append(_iou(boxes, sides, grid[rows, columns]))
        indices.append(first + (rows * cells + columns)[:, None] * PER_CELL + np.arange(PER_CELL))
        first += cells * cells * PER_CELL
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
