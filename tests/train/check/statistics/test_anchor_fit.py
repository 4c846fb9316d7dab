"""`best_anchors` compares few anchors and finds the best of all."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.common.values import Box
from tests.support.anchors import anchors, head
from train.check.statistics.anchor_fit import best_anchors
from train.evaluation.iou import iou


def all_overlaps(box: np.ndarray, table: np.ndarray) -> np.ndarray:
    ymin, xmin, ymax, xmax = box
    low, high = table[:, :2] - table[:, 2:] / 2, table[:, :2] + table[:, 2:] / 2
    height = np.clip(np.minimum(high[:, 0], ymax) - np.maximum(low[:, 0], ymin), 0, None)
    width = np.clip(np.minimum(high[:, 1], xmax) - np.maximum(low[:, 1], xmin), 0, None)
    shared = height * width
    return shared / (table[:, 2] * table[:, 3] + (ymax - ymin) * (xmax - xmin) - shared)


@pytest.mark.parametrize("size", [320, 640])
def test_the_best_of_all_anchors_is_found(size):
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 1, (60, 2, 2)) ** rng.choice([1, 3], (60, 1, 1))
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1) + 0.004], axis=1)
    table = anchors(size).astype(np.float64)
    overlaps, indices = best_anchors(boxes, head(size))
    for box, overlap, index in zip(boxes, overlaps, indices):
        every = all_overlaps(box, table)
        assert overlap == pytest.approx(every.max(), abs=1e-9) == pytest.approx(every[index], abs=1e-9)


def test_an_anchor_fits_itself():
    table = anchors(320)
    index = len(table) // 3
    yc, xc, h, w = table[index]
    overlap, found = best_anchors(np.array([[yc - h / 2, xc - w / 2, yc + h / 2, xc + w / 2]]), head(320))
    assert overlap[0] == pytest.approx(1, abs=1e-6) and found[0] == index


def test_no_boxes_have_no_anchors():
    overlaps, indices = best_anchors(np.zeros([0, 4]), head(320))
    assert overlaps.shape == indices.shape == (0,)


def test_evaluation_computes_the_same_iou():
    corners = np.array([(0.1, 0.2, 0.5, 0.9), (0.4, 0.4, 0.45, 0.43)])
    found, index = best_anchors(corners, head(320))
    for (ymin, xmin, ymax, xmax), value, (yc, xc, h, w) in zip(corners, found, anchors(320)[index].astype(np.float64)):
        anchor = Box(xc - w / 2, yc - h / 2, xc + w / 2, yc + h / 2)
        assert iou([Box(xmin, ymin, xmax, ymax)], [anchor])[0, 0] == pytest.approx(value)
