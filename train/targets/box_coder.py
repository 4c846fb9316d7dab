"""Box coder: converts boxes to codes (ty, tx, th, tw) relative to anchors, and back.

The coder of Faster R-CNN (Ren et al. 2015, section 3.1.2) with the published scales 10, 10, 5, 5.
"""

from __future__ import annotations

import tensorflow as tf

SCALES = (10.0, 10.0, 5.0, 5.0)

# Keeps the logarithm finite for a box without area. The data set readers drop such boxes.
_EPSILON = 1e-8


def encode(boxes: tf.Tensor, anchors: tf.Tensor) -> tf.Tensor:
    """Codes [..., 4] of `boxes` [..., 4] (ymin, xmin, ymax, xmax) relative to `anchors` [..., 4] (yc, xc, h, w)."""
    ymin, xmin, ymax, xmax = tf.unstack(boxes, axis=-1)
    yc_a, xc_a, h_a, w_a = tf.unstack(anchors, axis=-1)
    h = tf.maximum(ymax - ymin, _EPSILON)
    w = tf.maximum(xmax - xmin, _EPSILON)
    codes = (
        ((ymin + ymax) / 2 - yc_a) / h_a,
        ((xmin + xmax) / 2 - xc_a) / w_a,
        tf.math.log(h / h_a),
        tf.math.log(w / w_a),
    )
    return tf.stack(codes, axis=-1) * tf.constant(SCALES)


def decode(codes: tf.Tensor, anchors: tf.Tensor, scales: tuple[float, ...] = SCALES) -> tf.Tensor:
    """Boxes [..., 4] (ymin, xmin, ymax, xmax), not clipped, from `codes` and `anchors` [..., 4] (yc, xc, h, w)."""
    ty, tx, th, tw = tf.unstack(codes / tf.constant(scales), axis=-1)
    yc_a, xc_a, h_a, w_a = tf.unstack(anchors, axis=-1)
    yc = ty * h_a + yc_a
    xc = tx * w_a + xc_a
    h = tf.exp(th) * h_a
    w = tf.exp(tw) * w_a
    return tf.stack((yc - h / 2, xc - w / 2, yc + h / 2, xc + w / 2), axis=-1)
