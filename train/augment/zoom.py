"""Scale augmentation: shows a window of a training image, or the whole image smaller on a grey canvas.

The functions depend on their arguments only. A `seed` is two integers. Boxes are [G, 4] as (ymin, xmin, ymax, xmax) in
0..1. A box of which less than a quarter stays visible is left out, because the rest rarely shows what it belongs to.
"""

from __future__ import annotations

import tensorflow as tf

from train.augment import preprocessing
from train.augment.augmentation import split
from train.geometry.size import InputSize

GREY = 127.0
LEAST_VISIBLE = 0.25
# Liu et al. 2016 use canvases of up to four times the side, but train hundreds of times as long.
_EXPAND = 2.0


def factor(seed: tf.Tensor, jitter: float, expand: float) -> tf.Tensor:
    """A random scale factor, a float32 scalar.

    It is log-uniform between 1 / (1 + `jitter`) and 1 + `jitter`. With probability `expand`, it is divided by a number
    between 1 and 2.
    """
    seeds = split(seed, 3)
    exponent = tf.random.stateless_uniform([], seeds[0], -1.0, 1.0)
    expanded = tf.random.stateless_uniform([], seeds[1]) < expand
    canvas = tf.where(expanded, tf.random.stateless_uniform([], seeds[2], 1.0, _EXPAND), 1.0)
    return tf.pow(1.0 + jitter, exponent) / canvas


def zoom(
    image: tf.Tensor, boxes: tf.Tensor, classes: tf.Tensor, factor: tf.Tensor, seed: tf.Tensor, size: InputSize
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Scales `image`, uint8 [H, W, 3], to `factor` times the size at which it would fill `size`.

    With a factor of 1 or more, the result is a random window of the image. With a smaller factor, it is the whole image
    at a random position on a grey canvas. Windows and positions are whole pixels, so that boxes are exact.

    Returns:
      Image float32 [*size, 3] in 0..255, boxes and classes.
    """

    def window() -> tuple[tf.Tensor, tf.Tensor]:
        sides = tf.cast(tf.shape(image)[:2], tf.float32)
        extent = tf.maximum(tf.round(sides / factor), 1.0)
        begin = _random_offset(sides - extent, seed)
        part = tf.slice(image, as_sizes(begin, 0), as_sizes(extent, 3))
        moved = (boxes * tf.tile(sides, [2]) - tf.tile(begin, [2])) / tf.tile(extent, [2])
        return preprocessing.resize(part, size), moved

    def canvas() -> tuple[tf.Tensor, tf.Tensor]:
        full = tf.constant(size, tf.float32)
        sides = tf.maximum(tf.round(full * factor), 1.0)
        begin = _random_offset(full - sides, seed)
        small = resize(image, tf.cast(sides, tf.int32))
        moved = (boxes * tf.tile(sides, [2]) + tf.tile(begin, [2])) / tf.tile(full, [2])
        return _on_grey(small, begin, sides, size), moved

    whole, moved = tf.cond(factor >= 1.0, window, canvas)
    return whole, *visible(moved, classes)


def fit(
    image: tf.Tensor, boxes: tf.Tensor, classes: tf.Tensor, seed: tf.Tensor, size: InputSize
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Fits `image`, float32 [H, W, 3] in 0..255, into `size` at its own scale.

    Where it is longer, a random part of it is shown; where it is shorter, it lies at a random position on grey. So objects
    keep size and shape when an image that is not square is turned on its side.

    Returns:
      Image float32 [*size, 3], boxes and classes.
    """
    sides = tf.cast(tf.shape(image)[:2], tf.float32)
    full = tf.constant(size, tf.float32)
    kept = tf.minimum(sides, full)
    begin, top = (_random_offset(room, seed) for room in (sides - kept, full - kept))
    part = tf.slice(image, as_sizes(begin, 0), as_sizes(kept, 3))
    moved = (boxes * tf.tile(sides, [2]) + tf.tile(top - begin, [2])) / tf.tile(full, [2])
    return _on_grey(part, top, kept, size), *visible(moved, classes)


def visible(boxes: tf.Tensor, classes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Clips `boxes` to the image and leaves out those of which less than a quarter remains.

    Returns boxes and classes.
    """
    clipped = tf.clip_by_value(boxes, 0.0, 1.0)
    remaining, full = (tf.reduce_prod(tf.maximum(b[:, 2:] - b[:, :2], 0.0), axis=1) for b in (clipped, boxes))
    kept = (remaining > 0.0) & (remaining >= LEAST_VISIBLE * full)
    return tf.boolean_mask(clipped, kept), tf.boolean_mask(classes, kept)


def resize(image: tf.Tensor, sides: tf.Tensor) -> tf.Tensor:
    """Like `preprocessing.resize`, to `sides` int32 (height, width)."""
    return tf.round(tf.image.resize(image, sides, method="bilinear", antialias=False))


def as_sizes(sides: tf.Tensor, last: int) -> tf.Tensor:
    """`sides` [2] as int32 with `last` appended: an argument of `tf.slice`."""
    return tf.concat([tf.cast(sides, tf.int32), [last]], axis=0)


def _random_offset(greatest: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Random whole numbers from 0 to `greatest` [2]."""
    return tf.floor(tf.random.stateless_uniform([2], seed) * (greatest + 1.0))


def _on_grey(image: tf.Tensor, begin: tf.Tensor, sides: tf.Tensor, size: InputSize) -> tf.Tensor:
    """`image`, whose height and width are `sides` float32 [2], with its corner at `begin` of a grey [*size, 3]."""
    before = as_sizes(begin, 0)
    after = as_sizes(tf.constant(size, tf.float32) - begin - sides, 0)
    padding = tf.stack([before[:2], after[:2]], axis=1)
    whole = tf.pad(image - GREY, tf.concat([padding, [[0, 0]]], axis=0)) + GREY
    return tf.ensure_shape(whole, [*size, 3])
