"""Photometric augmentation: values stay in range, and the same seed gives the same image."""

from __future__ import annotations

import colorsys

import numpy as np
import tensorflow as tf

from tests.support import white_rectangle
from tests.support.white_rectangle import seed
from train.augment.photometric import hue, photometric


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


def shifts(most: float, count: int = 40) -> np.ndarray:
    """By how much `hue` shifts the hue of an orange image, in turns of the colour circle from -0.5 to 0.5."""
    orange = np.array([200.0, 120.0, 40.0], np.float32)
    image = tf.constant(np.tile(orange, (2, 2, 1)))
    results = [hue(image, most, seed(number)).numpy()[0, 0] / 255 for number in range(count)]
    for result in results:
        np.testing.assert_allclose(colorsys.rgb_to_hsv(*result)[1:], colorsys.rgb_to_hsv(*orange / 255)[1:], atol=1e-4)
    before = colorsys.rgb_to_hsv(*orange)[0]
    return np.array([(colorsys.rgb_to_hsv(*result)[0] - before + 0.5) % 1 - 0.5 for result in results])


def test_hue_moves_within_its_range_and_nothing_else_does():
    for most in (0.1, 0.5):
        found = shifts(most)
        assert np.abs(found).max() <= most + 1e-4
        assert found.min() < -0.8 * most and found.max() > 0.8 * most


def test_hue_follows_the_seed_and_leaves_grey_alone():
    image = tf.constant(white_rectangle.image(), tf.float32)
    np.testing.assert_array_equal(hue(image, 0.3, seed(1)), hue(image, 0.3, seed(1)))
    grey = tf.tile(image[..., :1], [1, 1, 3])
    np.testing.assert_allclose(hue(grey, 0.5, seed(2)), grey, atol=1e-3)


def spread(image: np.ndarray) -> float:
    """The standard deviation of the grey levels, which contrast scales and nothing else does."""
    return float((image @ np.array([0.299, 0.587, 0.114])).std())


def chroma(image: np.ndarray) -> float:
    """The distance of the colours from their grey level in proportion to the contrast: what saturation scales."""
    grey = (image @ np.array([0.299, 0.587, 0.114]))[..., None]
    return float(np.abs(image - grey).mean()) / spread(image)


def test_brightness_contrast_and_saturation_vary_within_their_ranges():
    # Far from 0 and 255, where values are cut off.
    image = 118 + np.random.default_rng(0).uniform(-15, 15, (40, 40, 3)).astype(np.float32)
    results = [photometric(tf.constant(image), seed(number)).numpy() for number in range(60)]
    measured = {
        "brightness": ([result.mean() - image.mean() for result in results], -32, 32),
        "contrast": ([spread(result) / spread(image) for result in results], 0.6, 1.4),
        "saturation": ([chroma(result) / chroma(image) for result in results], 0.6, 1.4),
    }
    for name, (values, low, high) in measured.items():
        reach = high - low
        assert low - 0.02 * reach < min(values) < low + 0.15 * reach, name
        assert high - 0.15 * reach < max(values) < high + 0.02 * reach, name
    factors = [values for values, _, _ in measured.values()]
    assert np.abs(np.corrcoef(factors) - np.eye(3)).max() < 0.4, "each is drawn by itself"
