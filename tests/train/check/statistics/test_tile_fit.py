"""Which anchors fit boxes in the tiles that the network sees."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.boxes.tiles import Tiles
from train import models
from train.augment import zoom
from train.check.statistics import tile_fit
from train.check.statistics.anchor_fit import best_anchors
from train.check.statistics.tile_fit import best_views
from train.geometry.size import InputSize

SIZE = InputSize(320, 320)


@pytest.fixture(scope="module")
def head():
    return models.find(models.DEFAULT).head(SIZE)


def corners(*boxes, width=1000, height=1000):
    """Boxes of left, top, right and bottom in pixels as ymin, xmin, ymax, xmax in 0..1."""
    return np.array(boxes, float)[:, [1, 0, 3, 2]] / (height, width, height, width)


def sizes(count, width=1000, height=1000):
    return np.array([(width, height)] * count)


def test_without_tiles_it_is_the_image(head):
    boxes = corners((10, 10, 60, 60), (100, 100, 900, 900))
    found = best_views(boxes, sizes(2), head, None)
    overlap, anchor = best_anchors(boxes, head)
    assert np.array_equal(found.seen, boxes) and not found.window.any()
    assert np.array_equal(found.best_iou, overlap) and np.array_equal(found.anchor, anchor)


def test_a_small_box_is_larger_in_a_tile_and_a_large_one_is_seen_in_the_whole_image(head):
    boxes = corners((10, 10, 60, 60), (50, 50, 950, 950), (900, 20, 950, 70))
    found = best_views(boxes, sizes(3), head, Tiles(2, 2))
    assert found.window.tolist() == [0, 4, 1]
    # Tiles are 556 pixels wide; the second begins at 444.
    assert np.allclose(found.seen[0], np.array([10, 10, 60, 60]) / 556)
    assert np.allclose(found.seen[1], boxes[1])
    assert np.allclose(found.seen[2], np.array([20, 456, 70, 506]) / 556)
    whole = best_views(boxes, sizes(3), head, None)
    assert (found.best_iou >= whole.best_iou).all() and found.best_iou[0] > whole.best_iou[0]


def test_images_may_be_of_many_sizes(head):
    one = best_views(corners((5, 5, 25, 25), width=100, height=50), sizes(1, 100, 50), head, Tiles(2, 1))
    other = best_views(corners((5, 5, 25, 25), width=300, height=90), sizes(1, 300, 90), head, Tiles(2, 1))
    boxes = np.concatenate([corners((5, 5, 25, 25), width=w, height=h) for w, h in ((300, 90), (100, 50))])
    both = best_views(boxes, np.array([(300, 90), (100, 50)]), head, Tiles(2, 1))
    for mine, first, second in zip(both, other, one):
        assert np.array_equal(mine, np.concatenate([first, second]))


def test_no_boxes(head):
    assert len(best_views(np.zeros((0, 4)), np.zeros((0, 2), int), head, Tiles(2, 2)).seen) == 0


def test_a_window_has_the_boxes_that_it_has_in_training():
    assert tile_fit.LEAST_VISIBLE == zoom.LEAST_VISIBLE
