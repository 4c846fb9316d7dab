"""Matching of hand-made anchors and boxes."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tests.support import detector_320
from train.targets import box_coder, matching

QUARTER = (0.0, 0.0, 0.5, 0.5)
LOW_STRIP = (0.0, 0.0, 0.5, 0.25)
FAR = (0.5, 0.5, 1.0, 1.0)


def anchors(*corners: tuple[float, ...]) -> tf.Tensor:
    ymin, xmin, ymax, xmax = np.transpose(corners)
    rows = [(ymin + ymax) / 2, (xmin + xmax) / 2, ymax - ymin, xmax - xmin]
    return tf.constant(np.transpose(rows), tf.float32)


def match(boxes, classes, table, **rule) -> tuple[np.ndarray, np.ndarray]:
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    codes, matched = matching.match(
        tf.constant(boxes), tf.constant(classes, tf.int32), table, matching.Rule(**rule)
    )
    return codes.numpy(), matched.numpy()


def test_corners_and_overlap():
    table = anchors(QUARTER, LOW_STRIP, FAR)
    np.testing.assert_allclose(matching.corners(table), [QUARTER, LOW_STRIP, FAR], atol=1e-6)
    overlap = matching.iou(tf.constant([QUARTER]), matching.corners(table))
    np.testing.assert_allclose(overlap, [[1.0, 0.5, 0.0]], atol=1e-6)


def test_overlap_is_that_of_counted_cells():
    """Boxes on a grid of 8 x 8 cells that lie apart in one direction or both, inside each other, or have no area."""
    sides = np.sort(np.random.default_rng(3).integers(0, 9, (60, 2, 2)), axis=1).reshape(60, 4)
    rows, columns = np.mgrid[:8, :8]
    covered = [(ymin <= rows) & (rows < ymax) & (xmin <= columns) & (columns < xmax) for ymin, xmin, ymax, xmax in sides]
    found = matching.iou(tf.constant(sides[:25], tf.float32), tf.constant(sides[25:], tf.float32)).numpy()
    shared = [[(one & other).sum() for other in covered[25:]] for one in covered[:25]]
    union = [[(one | other).sum() for other in covered[25:]] for one in covered[:25]]
    np.testing.assert_allclose(found, np.divide(shared, np.maximum(union, 1)), atol=1e-6)
    assert found.shape == (25, 35) and 0 < np.count_nonzero(found) < found.size


@pytest.mark.parametrize(("right", "positive"), [(0.25, 3), (0.24, 0)])
def test_iou_of_one_half_is_positive_and_less_is_background(right, positive):
    # The strip takes the box in any case; whether the quarter does too hangs on its own overlap.
    codes, matched = match([(0.0, 0.0, 0.5, right)], [3], anchors(QUARTER, LOW_STRIP, FAR))
    assert matched.tolist() == [positive, 3, 0]
    assert not codes[2].any()


def test_codes_are_those_of_the_matched_box():
    table = anchors(QUARTER, FAR)
    box = (0.05, 0.0, 0.5, 0.45)
    codes, matched = match([box], [1], table)
    assert matched.tolist() == [1, 0]
    np.testing.assert_allclose(codes[0], box_coder.encode(tf.constant(box), table[0]), rtol=1e-6)
    assert not codes[1].any()


def test_each_box_is_matched_with_its_best_anchor_at_any_iou():
    _, matched = match([(0.8, 0.8, 0.9, 0.9), (0.1, 0.1, 0.2, 0.2)], [1, 2], anchors(QUARTER, FAR))
    assert matched.tolist() == [2, 1]


def test_a_lower_threshold_makes_more_anchors_positive():
    box, table = (0.0, 0.0, 0.5, 0.24), anchors(QUARTER, LOW_STRIP, FAR)
    assert match([box], [3], table, iou=0.4)[1].tolist() == [3, 3, 0]
    assert match([box], [3], table, iou=0.49)[1].tolist() == [0, 3, 0]


def test_further_best_anchors_are_only_taken_if_negative():
    table = anchors(QUARTER, LOW_STRIP, (0.4, 0.4, 0.8, 0.8), FAR)
    small = (0.41, 0.41, 0.49, 0.49)
    assert match([small], [1], table)[1].tolist() == [0, 0, 1, 0]
    # It shares nothing with the strip and the last one, however many it might have.
    assert match([small], [1], table, best=2)[1].tolist() == [1, 0, 1, 0]
    assert match([small], [1], table, best=4)[1].tolist() == [1, 0, 1, 0]
    codes, matched = match([small, QUARTER], [1, 2], table, best=2)
    assert matched.tolist() == [2, 2, 1, 0]
    np.testing.assert_allclose(codes[2], box_coder.encode(tf.constant(small), table[2]), rtol=1e-5)


def test_only_the_best_anchor_of_a_box_is_taken_from_another_box():
    # Both anchors at the left are positive for the wide box, whose best one is the strip.
    table = anchors(QUARTER, LOW_STRIP, (0.4, 0.4, 0.8, 0.8), FAR)
    wide, best, second = (0.0, 0.0, 0.5, 0.3), (0.1, 0.3, 0.2, 0.4), (0.41, 0.41, 0.49, 0.49)
    assert match([wide], [1], table)[1].tolist() == [1, 1, 0, 0]
    for boxes, classes in (([wide, best], [1, 2]), ([best, wide], [2, 1])):
        assert match(boxes, classes, table)[1].tolist() == [2, 1, 0, 0], "so that every box is learned"
    for boxes, classes in (([wide, second], [1, 2]), ([second, wide], [2, 1])):
        assert match(boxes, classes, table, best=2)[1].tolist() == [1, 1, 2, 0]


def test_the_best_anchor_of_one_box_is_not_taken_by_the_second_best_of_another():
    table = anchors((0.0, 0.0, 0.4, 0.4), (0.3, 0.3, 0.7, 0.7))
    across, inside = (0.1, 0.1, 0.35, 0.35), (0.5, 0.5, 0.6, 0.6)
    assert match([across], [1], table, best=2)[1].tolist() == [1, 1]
    for boxes, classes in (([across, inside], [1, 2]), ([inside, across], [2, 1])):
        assert match(boxes, classes, table, best=2)[1].tolist() == [1, 2]


def test_the_box_with_the_larger_overlap_wins_an_anchor():
    boxes = [(0.0, 0.0, 0.5, 0.3), (0.0, 0.0, 0.5, 0.45)]
    other = (0.0, 0.0, 0.5, 0.3)
    _, matched = match(boxes, [1, 2], anchors(QUARTER, other))
    assert matched.tolist() == [2, 1]
    _, matched = match(boxes[::-1], [2, 1], anchors(QUARTER, other))
    assert matched.tolist() == [2, 1]


def test_two_boxes_with_the_same_best_anchor():
    boxes = [(0.1, 0.1, 0.2, 0.2), (0.3, 0.3, 0.4, 0.4)]
    table = anchors(QUARTER, FAR)
    codes, matched = match(boxes, [1, 2], table)
    assert matched[0] in (1, 2) and matched[1] == 0
    np.testing.assert_allclose(codes[0], box_coder.encode(tf.constant(boxes[matched[0] - 1]), table[0]), rtol=1e-5)
    for _ in range(3):
        assert match(boxes, [1, 2], table)[1].tolist() == matched.tolist()


def test_an_image_without_boxes_is_background():
    codes, matched = match([], [], anchors(QUARTER, FAR))
    assert matched.tolist() == [0, 0] and not codes.any()


def test_in_a_graph_the_number_of_boxes_may_vary():
    table = anchors(QUARTER, FAR)
    signature = [tf.TensorSpec([None, 4]), tf.TensorSpec([None], tf.int32)]
    traced = tf.function(lambda boxes, classes: matching.match(boxes, classes, table), signature)
    assert traced(tf.zeros([0, 4]), tf.zeros([0], tf.int32))[1].numpy().tolist() == [0, 0]
    assert traced(tf.constant([FAR]), tf.constant([5]))[1].numpy().tolist() == [0, 5]
