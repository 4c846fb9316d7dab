"""Photometric augmentation: random brightness, contrast, saturation and hue."""

from __future__ import annotations

import tensorflow as tf

from train.augment.augmentation import split

_BRIGHTNESS = 32.0
_CONTRAST = (0.6, 1.4)
_SATURATION = (0.6, 1.4)

_LUMA = (0.299, 0.587, 0.114)


def photometric(image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Varies brightness, contrast and saturation of `image`, float32 [H, W, 3] RGB in 0..255.

    The result depends on `image` and `seed`, two integers, only.
    """
    seeds = split(seed, 3)
    image = image + tf.random.stateless_uniform([], seeds[0], -_BRIGHTNESS, _BRIGHTNESS)
    mean = tf.reduce_mean(image)
    image = mean + (image - mean) * tf.random.stateless_uniform([], seeds[1], *_CONTRAST)
    grey = tf.tensordot(image, tf.constant(_LUMA), 1)[..., None]
    image = grey + (image - grey) * tf.random.stateless_uniform([], seeds[2], *_SATURATION)
    return tf.clip_by_value(image, 0.0, 255.0)


def hue(image: tf.Tensor, most: float, seed: tf.Tensor) -> tf.Tensor:
    """Shifts the hue of `image`, float32 [H, W, 3] RGB in 0..255, by up to `most` of the colour circle either way.

    With a `most` of 0.5, every hue is as likely. Grey stays grey. `seed` is two integers.
    """
    shift = tf.random.stateless_uniform([], seed, -most, most)
    return tf.clip_by_value(tf.image.adjust_hue(image / 255.0, shift) * 255.0, 0.0, 255.0)
