"""Which anchor answers for which labelled box."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf

from train.models import box_coder
from train.models.anchors import POSITIVE_IOU


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


@dataclass(frozen=True)
class Rule:
    """From which IoU with its best box an anchor is positive, and how many best anchors each box gets at least."""

    iou: float = POSITIVE_IOU
    best: int = 1


def match(
    boxes: tf.Tensor, classes: tf.Tensor, anchors: tf.Tensor, rule: Rule = Rule()
) -> tuple[tf.Tensor, tf.Tensor]:
    """Targets of every anchor for one image.

    Args:
      boxes: float32 [G, 4], ymin, xmin, ymax, xmax in 0..1; G may be 0.
      classes: int32 [G], counted from 1.
      anchors: float32 [A, 4], yc, xc, h, w.

    Returns:
      Box codes float32 [A, 4] (zero at negatives) and class ids int32 [A] (0 for background).

    An anchor is positive from the rule's IoU (0.5) with its best box, negative below; nothing is
    ignored. Each box also takes its own best anchor whatever their IoU, so that none goes unlearned.
    Where the rule gives a box several best anchors, it takes of the others those that are still
    negative.
    """
    count = tf.shape(boxes)[0]
    # A dummy box without area matches nothing, and spares the empty image a branch of its own.
    boxes = tf.concat([boxes, tf.zeros([1, 4])], axis=0)
    classes = tf.concat([classes, tf.zeros([1], classes.dtype)], axis=0)

    overlap = iou(boxes, corners(anchors))
    best_box = tf.argmax(overlap, axis=0, output_type=tf.int32)
    positive = tf.reduce_max(overlap, axis=0) >= rule.iou
    best_box = tf.where(positive, best_box, count)

    near, best_anchors = tf.math.top_k(overlap[:count], rule.best)
    for rank in reversed(range(rule.best)):
        reached = near[:, rank] > 0.0
        wanting = tf.boolean_mask(tf.range(count), reached)
        wanted = tf.boolean_mask(best_anchors[:, rank], reached)
        # Two boxes may want the same anchor: segment_max gives it to one of them, always the same one.
        order = tf.math.unsorted_segment_max(wanting, wanted, tf.shape(anchors)[0])
        free = (order >= 0) if rank == 0 else (order >= 0) & ~positive
        best_box = tf.where(free, order, best_box)

    matched = tf.gather(classes, best_box)
    codes = box_coder.encode(tf.gather(boxes, best_box), anchors)
    return tf.where(matched[:, None] > 0, codes, 0.0), matched
