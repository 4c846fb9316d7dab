"""Random orientation of a training image and its boxes, for images from above, which have no up and down.

The functions depend on their arguments only. Images are [H, W, 3], boxes [G, 4] as (ymin, xmin, ymax, xmax) in 0..1. A
`seed` is two integers.
"""

from __future__ import annotations

import tensorflow as tf

from train.augment.augmentation import split


def vflip(image: tf.Tensor, boxes: tf.Tensor, probability: float, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mirrors `image` and `boxes` top to bottom with `probability`."""
    mirrored = tf.random.stateless_uniform([], seed) < probability
    ymin, xmin, ymax, xmax = tf.unstack(boxes, axis=1)
    mirrored_boxes = tf.stack([1.0 - ymax, xmin, 1.0 - ymin, xmax], axis=1)
    image = tf.cond(mirrored, lambda: tf.reverse(image, [0]), lambda: image)
    return image, tf.where(mirrored, mirrored_boxes, boxes)


def rotate(image: tf.Tensor, boxes: tf.Tensor, probability: float, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Rotates `image` and `boxes` by 90, 180 or 270 degrees, each as likely, with `probability`.

    A quarter turn of an image that is not square gives [W, H, 3]; boxes are relative to what is returned.
    """
    seeds = split(seed, 2)
    rotated = tf.random.stateless_uniform([], seeds[0]) < probability
    turns = tf.where(rotated, tf.random.stateless_uniform([], seeds[1], 1, 4, tf.int32), 0)
    ymin, xmin, ymax, xmax = tf.unstack(boxes, axis=1)
    # Counterclockwise, as `tf.image.rot90`: a point (y, x) comes to (1 - x, y).
    by_turns = tf.stack(
        [
            boxes,
            tf.stack([1.0 - xmax, ymin, 1.0 - xmin, ymax], axis=1),
            tf.stack([1.0 - ymax, 1.0 - xmax, 1.0 - ymin, 1.0 - xmin], axis=1),
            tf.stack([xmin, 1.0 - ymax, xmax, 1.0 - ymin], axis=1),
        ]
    )
    height, width, channels = image.shape
    shape = [height, width, channels] if height == width else [None, None, channels]
    return tf.ensure_shape(tf.image.rot90(image, turns), shape), by_turns[turns]
