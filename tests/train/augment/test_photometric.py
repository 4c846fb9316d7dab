"""Photometric augmentation: values stay in range, and the same seed gives the same image."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tests.support import white_rectangle
from tests.support.white_rectangle import seed
from train.augment.photometric import photometric


def test_photometric_changes_stay_in_range_and_follow_the_seed():
    image = tf.constant(white_rectangle.image(), tf.float32)
    results = [photometric(image, seed(number)).numpy() for number in (0, 0, 1)]
    np.testing.assert_array_equal(results[0], results[1])
    assert np.abs(results[0] - results[2]).max() > 1
    assert all(result.min() >= 0 and result.max() <= 255 for result in results)
    assert results[0].shape == image.shape


def test_a_grey_image_stays_grey():
    grey = tf.tile(tf.constant(white_rectangle.image(), tf.float32)[..., :1], [1, 1, 3])
    result = photometric(grey, seed(5)).numpy()
    assert np.abs(result - result[..., :1]).max() < 1e-2
