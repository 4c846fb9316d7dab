"""The runtime's preprocessing as TensorFlow operations, for the input pipeline.

`runtime.inference.preprocessing` is the definition (OpenCV, bilinear on bytes). A test checks on real photographs that
the functions here give the same bytes within 1.
"""

from __future__ import annotations

import tensorflow as tf

from train.geometry.size import InputSize


def decode(encoded: tf.Tensor) -> tf.Tensor:
    """Decodes an image file (a string tensor) to uint8 [H, W, 3] in RGB.

    JPEG files are decoded with the slower of libjpeg's transforms, as OpenCV does. The fast one differs by several
    levels.
    """
    jpeg = tf.equal(tf.strings.substr(encoded, 0, 3), b"\xff\xd8\xff")
    image = tf.cond(
        jpeg,
        lambda: tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE"),
        lambda: tf.io.decode_image(encoded, channels=3, expand_animations=False),
    )
    return tf.ensure_shape(image, [None, None, 3])


def resize(image: tf.Tensor, size: InputSize) -> tf.Tensor:
    """Resizes uint8 [H, W, 3] to float32 [*size, 3] with integral values in 0..255. The aspect is not kept."""
    small = tf.image.resize(image, [*size], method="bilinear", antialias=False)
    return tf.ensure_shape(tf.round(small), [*size, 3])


def normalize(image: tf.Tensor) -> tf.Tensor:
    """Maps values from 0..255 to float32 in -1..1."""
    return tf.cast(image, tf.float32) / 127.5 - 1.0
