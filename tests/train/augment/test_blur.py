"""Blur: a Gaussian of the drawn width, on some images only."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tests.support import white_rectangle
from tests.support.white_rectangle import seed
from train.augment import blur as module
from train.augment.blur import blur


def test_a_point_becomes_a_gaussian():
    point = np.zeros((31, 41, 3), np.float32)
    point[15, 20] = (100.0, 200.0, 50.0)
    result = module._gaussian(tf.constant(point), tf.constant(1.5)).numpy()
    rows, columns = np.mgrid[:31, :41]
    expected = np.exp(-((rows - 15) ** 2 + (columns - 20) ** 2) / (2 * 1.5**2)) / (2 * np.pi * 1.5**2)
    for channel, level in enumerate((100, 200, 50)):
        np.testing.assert_allclose(result[..., channel], level * expected, atol=2e-3 * level)
        np.testing.assert_allclose(result[..., channel].sum(), level, rtol=1e-5)


def test_an_even_image_stays_even_up_to_its_border():
    even = tf.fill([20, 20, 3], 93.0)
    np.testing.assert_allclose(blur(even, 1.0, seed(0)), even, rtol=1e-5)


def test_probability_and_seed_decide():
    image = tf.constant(white_rectangle.image(), tf.float32)

    def changes(probability: float) -> np.ndarray:
        return np.array([np.abs(blur(image, probability, seed(n)) - image).max() for n in range(40)])

    assert not changes(0.0).any() and changes(1.0).all()
    assert 5 < (changes(0.4) > 0).sum() < 28
    assert len(set(np.round(changes(1.0)))) > 10, "widths differ"
    np.testing.assert_array_equal(blur(image, 0.5, seed(2)), blur(image, 0.5, seed(2)))
