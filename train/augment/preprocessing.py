"""The runtime's preprocessing, as TensorFlow operations for the input pipeline.

`runtime.inference.preprocessing` is the definition (OpenCV's bilinear on bytes); the functions here give the
same bytes within one level, which a test holds them to on real photographs.
"""

from __future__ import annotations

import tensorflow as tf


def decode(encoded: tf.Tensor) -> tf.Tensor:
    """An encoded image to uint8 [H, W, 3] in RGB.

    The slower of libjpeg's transforms is asked for since OpenCV uses it: the fast one differs by up
    to several levels.
    """
    jpeg = tf.equal(tf.strings.substr(encoded, 0, 3), b"\xff\xd8\xff")
    image = tf.cond(
        jpeg,
        lambda: tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE"),
        lambda: tf.io.decode_image(encoded, channels=3, expand_animations=False),
    )
    return tf.ensure_shape(image, [None, None, 3])


def resize(image: tf.Tensor, size: int) -> tf.Tensor:
    """uint8 [H, W, 3] to float32 [size, size, 3] with whole values 0..255, aspect not kept."""
    small = tf.image.resize(image, [size, size], method="bilinear", antialias=False)
    return tf.ensure_shape(tf.round(small), [size, size, 3])


def normalise(image: tf.Tensor) -> tf.Tensor:
    """0..255 to -1..1."""
    return tf.cast(image, tf.float32) / 127.5 - 1.0
