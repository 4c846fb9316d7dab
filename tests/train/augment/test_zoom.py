"""Scale augmentation: boxes follow their pixels, and boxes that are mostly cut off are left out."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import tensorflow as tf

from tests.support import white_rectangle
from tests.support.white_rectangle import BOX, HEIGHT, WIDTH, seed
from train.augment import zoom
from train.geometry.size import InputSize

SIZE = 320


def zoomed(factor: float, number: int, boxes=(BOX,), size=InputSize(SIZE, SIZE)):
    classes = tf.range(1, len(boxes) + 1)
    image = tf.constant(white_rectangle.image())
    results = zoom.zoom(image, tf.constant(boxes), classes, tf.constant(factor), seed(number), size)
    return [result.numpy() for result in results]


def bounds(image: np.ndarray) -> np.ndarray:
    """Where the white rectangle is, in 0..1."""
    rows, columns = np.nonzero((image > 178).all(axis=-1))
    sides = np.array(image.shape[:2] * 2)
    return np.array([rows.min(), columns.min(), rows.max() + 1, columns.max() + 1]) / sides


@pytest.mark.parametrize("factor", [0.3, 0.5, 0.77, 1.0, 1.2, 1.9])
@pytest.mark.parametrize("number", range(3))
def test_the_box_bounds_its_pixels_at_every_scale(factor, number):
    image, boxes, classes = zoomed(factor, number)
    assert image.shape == (SIZE, SIZE, 3) and image.dtype == np.float32
    if len(boxes):
        np.testing.assert_allclose(boxes[0], bounds(image), atol=1.01 / SIZE)
        assert classes.tolist() == [1]
    else:
        assert factor > 1.5, "only a window can lose a box"


@pytest.mark.parametrize("size", [InputSize(192, 320), InputSize(160, 96)])
@pytest.mark.parametrize("factor", [0.3, 0.77, 1.0, 1.3])
def test_the_box_bounds_its_pixels_where_the_input_is_not_square(factor, size):
    image, boxes, classes = zoomed(factor, 1, size=size)
    assert image.shape == (*size, 3) and classes.tolist() == [1]
    assert (np.abs(boxes[0] - bounds(image)) * [*size, *size] <= 1.01).all()
    if factor < 1:
        sides = [round(side * factor) for side in size]
        assert (image != zoom.GREY).any(axis=-1).sum() >= 0.99 * sides[0] * sides[1]


@pytest.mark.parametrize("factor", [0.4, 0.8])
def test_a_smaller_image_is_the_runtimes_resizing_on_grey(factor):
    image, boxes, _ = zoomed(factor, 1, [(0.0, 0.0, 1.0, 1.0)])
    top, left, bottom, right = np.round(boxes[0] * SIZE).astype(int)
    assert bottom - top == right - left == round(factor * SIZE)
    expected = np.full((SIZE, SIZE, 3), zoom.GREY)
    expected[top:bottom, left:right] = cv2.resize(white_rectangle.image(), (right - left, bottom - top))
    assert np.abs(image - expected).max() <= 1


def test_a_larger_image_is_the_runtimes_resizing_of_a_window():
    image, boxes, _ = zoomed(1.25, 2)
    # Half the sides are 96 and 160 pixels of 120 and 200; the box tells where they begin.
    extent = np.array([96, 160])
    begin = np.round(np.array([30, 20]) - boxes[0][:2] * extent).astype(int)
    window = white_rectangle.image()[begin[0] : begin[0] + 96, begin[1] : begin[1] + 160]
    assert np.abs(image - cv2.resize(window, (SIZE, SIZE))).max() <= 1


def test_offsets_are_drawn_over_the_whole_range():
    corners = np.array([zoomed(0.5, number)[1][0][:2] for number in range(40)]) - np.array(BOX[:2]) / 2
    assert corners.min() < 0.05 and corners.max() > 0.45 and corners.max() <= 0.5 + 1e-6
    np.testing.assert_array_equal(zoomed(1.7, 3)[0], zoomed(1.7, 3)[0])


def test_boxes_that_are_mostly_cut_go_with_their_classes():
    boxes = tf.constant([(-0.5, 0.0, 0.5, 1.0), (-0.8, 0.0, 0.2, 1.0), (1.0, 0.0, 1.5, 1.0), (0.1, 0.1, 0.2, 0.2)])
    kept, classes = zoom.visible(boxes, tf.constant([1, 2, 3, 4]))
    np.testing.assert_allclose(kept, [(0.0, 0.0, 0.5, 1.0), (0.1, 0.1, 0.2, 0.2)])
    assert classes.numpy().tolist() == [1, 4]


def test_factors_are_in_range():
    factors = np.array([zoom.factor(seed(number), 0.5, 0.0) for number in range(200)])
    assert 1 / 1.5 <= factors.min() < 0.7 and 1.4 < factors.max() <= 1.5
    assert 80 < (factors < 1).sum() < 120
    factors = np.array([zoom.factor(seed(number), 0.0, 0.3) for number in range(200)])
    assert 40 < (factors < 1).sum() < 80 and (factors[factors >= 1] == 1).all()
    assert 0.5 <= factors.min() < 0.55


def test_a_quarter_of_a_box_is_enough_and_a_box_without_area_is_not():
    boxes = [(-0.74, 0.0, 0.26, 1.0), (-0.76, 0.0, 0.24, 1.0), (0.5, 0.2, 0.5, 0.4), (0.7, 0.2, 0.6, 0.4)]
    assert zoom.visible(tf.constant(boxes), tf.constant([1, 2, 3, 4]))[1].numpy().tolist() == [1]
    # A quarter of the area, half of each side.
    corner = tf.constant([(-0.25, -0.25, 0.25, 0.25)])
    kept, _ = zoom.visible(corner, tf.constant([1]))
    np.testing.assert_array_equal(kept, [(0.0, 0.0, 0.25, 0.25)])


def test_an_image_at_its_own_scale_is_the_runtimes_resizing():
    image, boxes, _ = zoomed(1.0, 3)
    assert np.abs(image - cv2.resize(white_rectangle.image(), (SIZE, SIZE))).max() <= 1
    np.testing.assert_allclose(boxes, [BOX], atol=1e-6)


@pytest.mark.parametrize("factor", [0.0005, 1000.0])
def test_a_side_has_at_least_a_pixel(factor):
    image, _, _ = zoomed(factor, 0)
    assert image.shape == (SIZE, SIZE, 3)
    others = np.abs(image - zoom.GREY).max(axis=-1) > 0
    assert others.sum() <= 1 if factor < 1 else len(np.unique(image.reshape(-1, 3), axis=0)) == 1


def test_windows_are_drawn_over_the_whole_image():
    # Windows of 0.8 of the sides, which all show the middle.
    begins = np.array([0.4 - 0.8 * zoomed(1.25, number, [(0.4, 0.4, 0.6, 0.6)])[1][0][:2] for number in range(40)])
    assert begins.min() > -1e-4 and begins.max() < 0.2 + 1e-4
    assert (begins.min(axis=0) < 0.02).all() and (begins.max(axis=0) > 0.18).all()
