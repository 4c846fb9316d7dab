"""Boxes as distributions."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from train.targets import box_coder, distribution

POINTS = tf.constant([[16.0, 24.0, 8.0, 8.0], [0.0, 32.0, 16.0, 16.0]])


def sure(*distances: int) -> list[float]:
    """Logits of distances (left, top, right, bottom) that are whole bins."""
    logits = np.full((4, 8), -50.0)
    for side, distance in enumerate(distances):
        logits[side, distance] = 50.0
    return [float(value) for value in logits.ravel()]


LOGITS = tf.constant([sure(1, 2, 3, 0), sure(2, 0, 1, 7)])
EXPECTED = [[0.0, 16.0, 16.0, 48.0], [0.0, 0.0, 112.0, 48.0]]


def test_a_distance_is_the_mean_of_its_bins_in_strides_without_half_a_cell() -> None:
    np.testing.assert_allclose(distribution.boxes(LOGITS, POINTS, 8), EXPECTED, atol=1e-4)


def test_codes_say_the_same_to_the_box_coder() -> None:
    draw = tf.constant(np.random.default_rng(0).normal(size=(5, 2, 32)), tf.float32)
    decoded = box_coder.decode(distribution.codes(draw, 8), POINTS, (1.0, 1.0, 1.0, 1.0))
    np.testing.assert_allclose(decoded, distribution.boxes(draw, POINTS, 8), rtol=1e-5, atol=1e-4)


def test_target_distances_are_what_gives_the_box() -> None:
    found = distribution.target_distances(tf.constant(EXPECTED), POINTS)
    np.testing.assert_allclose(found, [[1, 2, 3, 0], [2, 0, 1, 7]], atol=1e-5)
