"""Crop and flip: the same seed gives the same image, and boxes follow their pixels."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tests.support import white_rectangle
from tests.support.white_rectangle import BOX, HEIGHT, WIDTH, seed
from train.augment.crop import crop, flip


def sample() -> tf.Tensor:
    return tf.constant(white_rectangle.image())


def bounds(image) -> np.ndarray:
    """Where the white rectangle is, in 0..1."""
    rows, columns = np.nonzero((np.asarray(image) > 200).all(axis=-1))
    height, width = image.shape[:2]
    return np.array([rows.min() / height, columns.min() / width, (rows.max() + 1) / height, (columns.max() + 1) / width])


@pytest.mark.parametrize("number", range(12))
def test_the_box_still_bounds_its_pixels_after_crop_and_flip(number):
    image, boxes, classes = crop(sample(), tf.constant([BOX]), tf.constant([4]), seed(number))
    assert classes.numpy().tolist() == [4]
    np.testing.assert_allclose(boxes[0], bounds(image), atol=1e-5)
    height, width = image.shape[:2]
    assert 0.74 < height * width / (HEIGHT * WIDTH) <= 1
    assert 0.7 < width / height < 3.1
    image, boxes = flip(image, boxes, seed(number + 100))
    np.testing.assert_allclose(boxes[0], bounds(image), atol=1e-5)


def test_about_every_second_image_is_mirrored():
    box = tf.constant([BOX])
    mirrored = [float(flip(sample(), box, seed(number))[1][0, 1]) > 0.3 for number in range(40)]
    assert 10 < sum(mirrored) < 30


def test_crops_differ_by_seed_and_agree_for_one():
    shapes = {tuple(crop(sample(), tf.constant([BOX]), tf.constant([1]), seed(n))[0].shape) for n in range(8)}
    assert len(shapes) > 4
    once, again = (crop(sample(), tf.constant([BOX]), tf.constant([1]), seed(3)) for _ in range(2))
    for first, second in zip(once, again):
        np.testing.assert_array_equal(first, second)


def test_boxes_outside_the_window_go_with_their_classes():
    corners = [(0.0, 0.0, 0.01, 0.01), (0.99, 0.99, 1.0, 1.0), BOX]
    kept = []
    for number in range(12):
        _, boxes, classes = crop(sample(), tf.constant(corners), tf.constant([1, 2, 3]), seed(number))
        assert len(boxes) == len(classes) and 3 in classes.numpy()
        assert ((boxes.numpy() >= 0) & (boxes.numpy() <= 1)).all()
        kept.append(len(classes))
    assert min(kept) < 3


def test_an_image_without_boxes_is_cropped_and_flipped():
    empty = tf.zeros([0, 4]), tf.zeros([0], tf.int32)
    image, boxes, classes = crop(sample(), *empty, seed(0))
    image, boxes = flip(image, boxes, seed(1))
    assert boxes.shape == (0, 4) and classes.shape == (0,) and image.shape[2] == 3


def windows(height: int, width: int, box=(0.25, 0.25, 0.75, 0.75), count: int = 40) -> np.ndarray:
    """Height and width of crops of an image of this size."""
    image = tf.zeros([height, width, 3], tf.uint8)
    return np.array([crop(image, tf.constant([box]), tf.constant([1]), seed(n))[0].shape[:2] for n in range(count)])


def test_windows_have_an_aspect_ratio_of_three_quarters_to_three():
    # Without a limit, the aspects would be 0.68 to 1.2 and 2.4 to 4.3.
    for height, width, low, high in ((100, 90, 0.75, 1.2), (50, 160, 2.4, 3.0)):
        sides = windows(height, width)
        aspects = sides[:, 1] / sides[:, 0]
        whole = (sides == (height, width)).all(axis=1)
        assert low - 0.03 < aspects[~whole].min() and aspects[~whole].max() < high + 0.05
        assert aspects.min() < low + 0.12 and aspects[~whole].max() > high - 0.25


def test_windows_have_three_quarters_of_the_area_or_more():
    shares = windows(100, 100).prod(axis=1) / 100**2
    assert 0.74 < shares.min() < 0.8 and shares.max() > 0.95


def test_a_window_may_cut_boxes():
    sides = windows(100, 100, (0.0, 0.0, 1.0, 1.0))
    assert len({tuple(pair) for pair in sides.tolist()}) > 20, "windows as if there were no box"


def test_a_mirrored_image_is_its_columns_from_right_to_left_for_half_of_the_seeds():
    image, box = sample(), tf.constant([BOX, (0.1, 0.0, 0.2, 1.0)])
    mirrored = 0
    for number in range(40):
        result, boxes = flip(image, box, seed(number))
        if not np.array_equal(result, image):
            np.testing.assert_array_equal(result, image[:, ::-1])
            np.testing.assert_allclose(boxes[:, 1], [1 - BOX[3], 0.0], atol=1e-6)
            np.testing.assert_allclose(boxes[:, 3], [1 - BOX[1], 1.0], atol=1e-6)
            mirrored += 1
        else:
            np.testing.assert_array_equal(boxes, box)
    assert 10 < mirrored < 30
