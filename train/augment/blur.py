"""Blur augmentation: an image as a camera that is out of focus shows it."""

from __future__ import annotations

import math

import tensorflow as tf

from train.augment.augmentation import split

# Standard deviations in pixels, those of SimCLR (Chen et al. 2020, appendix A).
_SIGMA = (0.1, 2.0)
# Beyond three standard deviations, 0.3 % of a Gaussian remain.
_RADIUS = math.ceil(3 * _SIGMA[1])


def blur(image: tf.Tensor, probability: float, seed: tf.Tensor) -> tf.Tensor:
    """Blurs `image`, float32 [H, W, 3], with `probability`, by a Gaussian with a sigma between 0.1 and 2 pixels.

    The image is mirrored at its border. It must be larger than 6 pixels. `seed` is two integers.
    """
    seeds = split(seed, 2)
    blurred = tf.random.stateless_uniform([], seeds[0]) < probability
    sigma = tf.random.stateless_uniform([], seeds[1], *_SIGMA)
    return tf.cond(blurred, lambda: _gaussian(image, sigma), lambda: image)


def _gaussian(image: tf.Tensor, sigma: tf.Tensor) -> tf.Tensor:
    offsets = tf.range(-_RADIUS, _RADIUS + 1, dtype=tf.float32)
    weights = tf.exp(-tf.square(offsets / sigma) / 2)
    weights /= tf.reduce_sum(weights)
    margin = [_RADIUS, _RADIUS]
    padded = tf.pad(image, [margin, margin, [0, 0]], mode="REFLECT")[None]
    # A Gaussian is the product of one down and one across.
    for shape in ([-1, 1, 1, 1], [1, -1, 1, 1]):
        kernel = tf.tile(tf.reshape(weights, shape), [1, 1, 3, 1])
        padded = tf.nn.depthwise_conv2d(padded, kernel, [1, 1, 1, 1], "VALID")
    return tf.ensure_shape(padded[0], image.shape)
