"""A training image at another scale: a window of it, or the whole of it on a larger grey ground.

Every function is a pure function of its `seed`, two int32. Boxes are [G, 4] as ymin, xmin, ymax, xmax
in 0..1. What is left of a box that an edge cuts counts only from a quarter of it on: less than that
rarely shows what it belongs to.
"""

from __future__ import annotations

import tensorflow as tf

from train.augment import preprocessing
from train.augment.augmentation import split

GREY = 127.0
LEAST_VISIBLE = 0.25
# Liu et al. 2016 pad to up to four times the side; their networks train hundreds of times as long.
_EXPAND = 2.0


def factor(seed: tf.Tensor, jitter: float, expand: float) -> tf.Tensor:
    """How much larger an image becomes, a scalar.

    Between 1 / (1 + `jitter`) and 1 + `jitter`, both ends alike; with the probability `expand` it is
    then divided by up to 2.
    """
    seeds = split(seed, 3)
    exponent = tf.random.stateless_uniform([], seeds[0], -1.0, 1.0)
    shrunk = tf.random.stateless_uniform([], seeds[1]) < expand
    ground = tf.where(shrunk, tf.random.stateless_uniform([], seeds[2], 1.0, _EXPAND), 1.0)
    return tf.pow(1.0 + jitter, exponent) / ground


def zoom(
    image: tf.Tensor, boxes: tf.Tensor, classes: tf.Tensor, factor: tf.Tensor, seed: tf.Tensor, size: int
) -> tf.Tensor:
    """`image`, uint8 [H, W, 3], at `factor` times the size that would fill [size, size], as float32 0..255.

    From 1 on it is a window of the image that fills the result, else all of it somewhere on grey.
    Both are cut at whole pixels, so that boxes are exact. Returns image, boxes and classes.
    """

    def window():
        sides = tf.cast(tf.shape(image)[:2], tf.float32)
        extent = tf.maximum(tf.round(sides / factor), 1.0)
        begin = _place(sides - extent, seed)
        part = tf.slice(image, _whole(begin, 0), _whole(extent, 3))
        moved = (boxes * tf.tile(sides, [2]) - tf.tile(begin, [2])) / tf.tile(extent, [2])
        return preprocessing.resize(part, size), moved

    def ground():
        side = tf.maximum(tf.round(size * factor), 1.0)
        begin = _place(tf.fill([2], size - side), seed)
        small = resize(image, tf.fill([2], tf.cast(side, tf.int32)))
        before = _whole(begin, 0)
        after = size - before - tf.cast(side, tf.int32)
        padding = tf.stack([before[:2], after[:2]], axis=1)
        whole = tf.pad(small - GREY, tf.concat([padding, [[0, 0]]], axis=0)) + GREY
        return tf.ensure_shape(whole, [size, size, 3]), (boxes * side + tf.tile(begin, [2])) / size

    whole, moved = tf.cond(factor >= 1.0, window, ground)
    return whole, *visible(moved, classes)


def visible(boxes: tf.Tensor, classes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Boxes clipped to the image, and their classes; without those of which less than a quarter is left."""
    clipped = tf.clip_by_value(boxes, 0.0, 1.0)
    left, all = (tf.reduce_prod(tf.maximum(b[:, 2:] - b[:, :2], 0.0), axis=1) for b in (clipped, boxes))
    kept = (left > 0.0) & (left >= LEAST_VISIBLE * all)
    return tf.boolean_mask(clipped, kept), tf.boolean_mask(classes, kept)


def resize(image: tf.Tensor, sides: tf.Tensor) -> tf.Tensor:
    """As `preprocess.resize`, to any height and width."""
    return tf.round(tf.image.resize(image, sides, method="bilinear", antialias=False))


def _place(room: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Whole numbers from 0 to `room`, drawn for each of its two values."""
    return tf.floor(tf.random.stateless_uniform([2], seed) * (room + 1.0))


def _whole(sides: tf.Tensor, last: int) -> tf.Tensor:
    return tf.concat([tf.cast(sides, tf.int32), [last]], axis=0)
