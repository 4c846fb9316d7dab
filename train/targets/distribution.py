"""Boxes as distributions over distances (Li et al. 2020, Generalized Focal Loss), turned into four numbers."""

from __future__ import annotations

import tensorflow as tf

# Keeps the logarithm finite for a box without area.
_EPSILON = 1e-8


def distances(logits: tf.Tensor, bins: int) -> tf.Tensor:
    """The expected distances [..., 4] to left, top, right and bottom, in strides, for `logits` [..., 4 * bins]."""
    shape = tf.concat([tf.shape(logits)[:-1], [4, bins]], axis=0)
    by_side = tf.nn.softmax(tf.reshape(logits, shape))
    return tf.linalg.matvec(by_side, tf.range(bins, dtype=logits.dtype))


def codes(logits: tf.Tensor, bins: int) -> tf.Tensor:
    """The box codes (ty, tx, th, tw) [..., 4] for `logits` [..., 4 * bins].

    They are relative to an anchor at the point, whose height and width are the stride, and have scales of 1: a box from
    t above to b below a point has its centre (b - t) / 2 strides below it and is t + b strides high.
    """
    left, top, right, bottom = tf.unstack(distances(logits, bins), axis=-1)
    height, width = tf.maximum(top + bottom, _EPSILON), tf.maximum(left + right, _EPSILON)
    return tf.stack(
        ((bottom - top) / 2, (right - left) / 2, tf.math.log(height), tf.math.log(width)), axis=-1
    )


def boxes(logits: tf.Tensor, points: tf.Tensor, bins: int) -> tf.Tensor:
    """Boxes [..., A, 4] (ymin, xmin, ymax, xmax), not clipped, for `logits` [..., A, 4 * bins] and `points` [A, 4].

    Points are (y, x, stride_y, stride_x); the boxes have their unit.
    """
    left, top, right, bottom = tf.unstack(distances(logits, bins), axis=-1)
    y, x, stride_y, stride_x = tf.unstack(points, axis=-1)
    return tf.stack((y - top * stride_y, x - left * stride_x, y + bottom * stride_y, x + right * stride_x), axis=-1)


def target_distances(boxes: tf.Tensor, points: tf.Tensor) -> tf.Tensor:
    """Distances [..., A, 4] (left, top, right, bottom) in strides from `points` [A, 4] to the sides of `boxes`.

    `boxes` are [..., A, 4] (ymin, xmin, ymax, xmax), one for each point, in the unit of the points.
    """
    ymin, xmin, ymax, xmax = tf.unstack(boxes, axis=-1)
    y, x, stride_y, stride_x = tf.unstack(points, axis=-1)
    return tf.stack(
        ((x - xmin) / stride_x, (y - ymin) / stride_y, (xmax - x) / stride_x, (ymax - y) / stride_y), axis=-1
    )
