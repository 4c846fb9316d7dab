from __future__ import annotations

import numpy as np
import pytest

from runtime.boxes.iou import iou


def areas(boxes: np.ndarray) -> np.ndarray:
    return (boxes[2] - boxes[0]) * (boxes[3] - boxes[1])


def test_each_with_each():
    boxes = np.array([(0, 0, 2, 2), (1, 1, 3, 3), (5, 5, 6, 6)], np.float64).T
    area = areas(boxes)
    found = iou(boxes[:, :, None], boxes[:, None], area[:, None], area[None])
    np.testing.assert_allclose(found, [[1, 1 / 7, 0], [1 / 7, 1, 0], [0, 0, 1]])


@pytest.mark.parametrize("flat", [(0, 0, 0, 2), (0, 0, 2, 0), (1, 1, 1, 1)])
def test_boxes_without_area_overlap_nothing(flat):
    box, other = np.array(flat, np.float32), np.array([(0, 0, 2, 2), flat], np.float32).T
    with np.errstate(all="raise"):
        assert iou(other, box, areas(other), areas(box)).tolist() == [0, 0]


def test_float32_stays_float32():
    box = np.array((0.1, 0.1, 0.9, 0.7), np.float32)
    other = np.array([(0.2, 0.1, 0.9, 0.8)], np.float32).T
    found = iou(other, box, areas(other), areas(box))
    # The kernel's order of operations: (height * width) / (one + other - shared).
    shared = (np.float32(0.9) - np.float32(0.2)) * (np.float32(0.7) - np.float32(0.1))
    assert found.dtype == np.float32 and found[0] == shared / (areas(other)[0] + areas(box) - shared)
