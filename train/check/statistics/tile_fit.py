"""The window, of those that images are cut into, in which an anchor fits a box best."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from runtime.boxes.tiles import Tiles
from train.check.statistics.anchor_fit import best_anchors
from train.geometry.head import Head

# In training, a window has no box of which it shows less (see `train.augment.zoom`).
LEAST_VISIBLE = 0.25


class View(NamedTuple):
    """N boxes as they are seen best: the fields `seen`, `window`, `best_iou` and `anchor` of `Boxes`."""

    seen: np.ndarray
    window: np.ndarray
    best_iou: np.ndarray
    anchor: np.ndarray


def best_views(corners: np.ndarray, sizes: np.ndarray, head: Head, tiles: Tiles | None) -> View:
    """For each of N boxes the window in which its best anchor fits it best; without `tiles` the image.

    `corners` float64 [N, 4] is ymin, xmin, ymax, xmax in 0..1 of the image, `sizes` int [N, 2] the images' width and height.
    """
    if tiles is None:
        return View(corners, np.zeros(len(corners), int), *best_anchors(corners, head))
    windows = _windows(sizes, tiles)
    pixels = corners * sizes[:, [1, 0, 1, 0]]
    area = (pixels[:, 2:] - pixels[:, :2]).prod(axis=1)
    best = View(corners.copy(), np.zeros(len(corners), int), np.full(len(corners), -1.0), np.zeros(len(corners), int))
    for number in range(tiles.count):
        window = windows[:, number]
        clipped = np.concatenate(
            [np.maximum(pixels[:, :2], window[:, :2]), np.minimum(pixels[:, 2:], window[:, 2:])], axis=1
        )
        shown = np.maximum(clipped[:, 2:] - clipped[:, :2], 0).prod(axis=1)
        rows = np.flatnonzero((shown > 0) & (shown >= LEAST_VISIBLE * area))
        seen = (clipped[rows] - window[rows][:, [0, 1, 0, 1]]) / np.tile(window[rows, 2:] - window[rows, :2], 2)
        overlap, anchor = best_anchors(seen, head)
        better = overlap > best.best_iou[rows]
        chosen = rows[better]
        best.seen[chosen], best.best_iou[chosen], best.anchor[chosen] = seen[better], overlap[better], anchor[better]
        best.window[chosen] = number
    return best


def _windows(sizes: np.ndarray, tiles: Tiles) -> np.ndarray:
    """The windows of images of these sizes, float64 [N, K, 4] as top, left, bottom and right in pixels."""
    kinds, kind = np.unique(sizes, axis=0, return_inverse=True)
    edges = [tiles.windows(width, height) for width, height in kinds.tolist()]
    windows: np.ndarray = np.array(edges, np.float64).reshape(-1, tiles.count, 4)[kind.reshape(-1)][..., [1, 0, 3, 2]]
    return windows
