"""Which anchor answers for which labelled box."""

from __future__ import annotations

import tensorflow as tf

from train import box_coder
from train.anchors import POSITIVE_IOU


def corners(anchors: tf.Tensor) -> tf.Tensor:
    """Anchors [A, 4] given as yc, xc, h, w as corners ymin, xmin, ymax, xmax."""
    centre, sides = anchors[..., :2], anchors[..., 2:]
    return tf.concat([centre - sides / 2, centre + sides / 2], axis=-1)


def iou(boxes: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    """Intersection over union, [B, O], of `boxes` [B, 4] and `others` [O, 4] (ymin, xmin, ymax, xmax)."""
    ymin, xmin, ymax, xmax = (boxes[:, i, None] for i in range(4))
    o_ymin, o_xmin, o_ymax, o_xmax = (others[None, :, i] for i in range(4))
    height = tf.maximum(tf.minimum(ymax, o_ymax) - tf.maximum(ymin, o_ymin), 0.0)
    width = tf.maximum(tf.minimum(xmax, o_xmax) - tf.maximum(xmin, o_xmin), 0.0)
    shared = height * width
    union = (ymax - ymin) * (xmax - xmin) + (o_ymax - o_ymin) * (o_xmax - o_xmin) - shared
    return tf.math.divide_no_nan(shared, union)


def match(boxes: tf.Tensor, classes: tf.Tensor, anchors: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Targets of every anchor for one picture.

    Args:
      boxes: float32 [G, 4], ymin, xmin, ymax, xmax in 0..1; G may be 0.
      classes: int32 [G], counted from 1.
      anchors: float32 [A, 4], yc, xc, h, w.

    Returns:
      Box codes float32 [A, 4] (zero at negatives) and class ids int32 [A] (0 for background).

    An anchor is positive from IoU 0.5 with its best box, negative below; nothing is ignored. Each
    box also takes its own best anchor whatever their IoU, so that none goes unlearned.
    """
    count = tf.shape(boxes)[0]
    # A dummy box without area matches nothing, and spares the empty picture a branch of its own.
    boxes = tf.concat([boxes, tf.zeros([1, 4])], axis=0)
    classes = tf.concat([classes, tf.zeros([1], classes.dtype)], axis=0)

    overlap = iou(boxes, corners(anchors))
    best_box = tf.argmax(overlap, axis=0, output_type=tf.int32)
    positive = tf.reduce_max(overlap, axis=0) >= POSITIVE_IOU
    best_box = tf.where(positive, best_box, count)

    best_anchor = tf.argmax(overlap[:count], axis=1, output_type=tf.int32)
    reached = tf.reduce_max(overlap[:count], axis=1) > 0.0
    forced_boxes = tf.boolean_mask(tf.range(count), reached)
    forced_anchors = tf.boolean_mask(best_anchor, reached)
    # Two boxes may want the same anchor: segment_max gives it to one of them, always the same one.
    order = tf.math.unsorted_segment_max(forced_boxes, forced_anchors, tf.shape(anchors)[0])
    best_box = tf.where(order >= 0, order, best_box)

    matched = tf.gather(classes, best_box)
    codes = box_coder.encode(tf.gather(boxes, best_box), anchors)
    return tf.where(matched[:, None] > 0, codes, 0.0), matched
