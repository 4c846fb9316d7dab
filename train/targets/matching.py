"""Matching of anchors with labelled boxes: the targets of training."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf

from train.geometry.head import POSITIVE_IOU
from train.targets import box_coder


def corners(anchors: tf.Tensor) -> tf.Tensor:
    """Converts `anchors` [A, 4] from (yc, xc, h, w) to corners (ymin, xmin, ymax, xmax)."""
    centre, sides = anchors[..., :2], anchors[..., 2:]
    return tf.concat([centre - sides / 2, centre + sides / 2], axis=-1)


def iou(boxes: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    """Intersection over union [B, O] of `boxes` [B, 4] and `others` [O, 4] (ymin, xmin, ymax, xmax)."""
    ymin, xmin, ymax, xmax = (boxes[:, i, None] for i in range(4))
    o_ymin, o_xmin, o_ymax, o_xmax = (others[None, :, i] for i in range(4))
    height = tf.maximum(tf.minimum(ymax, o_ymax) - tf.maximum(ymin, o_ymin), 0.0)
    width = tf.maximum(tf.minimum(xmax, o_xmax) - tf.maximum(xmin, o_xmin), 0.0)
    shared = height * width
    union = (ymax - ymin) * (xmax - xmin) + (o_ymax - o_ymin) * (o_xmax - o_xmin) - shared
    return tf.math.divide_no_nan(shared, union)


@dataclass(frozen=True)
class Rule:
    """When an anchor is positive.

    An anchor is positive if its IoU with some box is at least `iou`, or if it is one of the `best` anchors of a box.
    """

    iou: float = POSITIVE_IOU
    best: int = 1


def match(
    boxes: tf.Tensor, classes: tf.Tensor, anchors: tf.Tensor, rule: Rule = Rule(), *, first_box_wins: bool = False
) -> tuple[tf.Tensor, tf.Tensor]:
    """Targets of every anchor for one image.

    An anchor is positive if its IoU with its best box is at least `rule.iou`, else negative; none is ignored. Each box
    is also matched with its own best anchor whatever their IoU, so that every box is learned. If `rule.best` is above
    1, each box is also matched with its next best anchors, as far as those are still negative.

    Args:
      boxes: float32 [G, 4], ymin, xmin, ymax, xmax in 0..1; G may be 0.
      classes: int32 [G], counted from 1.
      anchors: float32 [A, 4], yc, xc, h, w.
      rule: IoU threshold and number of best anchors per box.
      first_box_wins: which of two boxes with the same best anchor it goes to: the one with the lower index, else the
        one with the higher.

    Returns:
      Box codes float32 [A, 4] (zero for negative anchors) and class ids int32 [A] (0 for background).
    """
    count = tf.shape(boxes)[0]
    # A dummy box without area matches nothing. With it, an image without boxes needs no branch.
    boxes = tf.concat([boxes, tf.zeros([1, 4])], axis=0)
    classes = tf.concat([classes, tf.zeros([1], classes.dtype)], axis=0)

    overlap = iou(boxes, corners(anchors))
    best_box = tf.argmax(overlap, axis=0, output_type=tf.int32)
    positive = tf.reduce_max(overlap, axis=0) >= rule.iou
    best_box = tf.where(positive, best_box, count)

    near, best_anchors = tf.math.top_k(overlap[:count], rule.best)
    for rank in reversed(range(rule.best)):
        reached = near[:, rank] > 0.0
        candidates = tf.boolean_mask(tf.range(count), reached)
        anchor = tf.boolean_mask(best_anchors[:, rank], reached)
        # Two boxes can have the same best anchor.
        if first_box_wins:
            owner = tf.math.unsorted_segment_min(candidates, anchor, tf.shape(anchors)[0])
            owner = tf.where(owner < count, owner, -1)
        else:
            owner = tf.math.unsorted_segment_max(candidates, anchor, tf.shape(anchors)[0])
        taken = (owner >= 0) if rank == 0 else (owner >= 0) & ~positive
        best_box = tf.where(taken, owner, best_box)

    matched = tf.gather(classes, best_box)
    codes = box_coder.encode(tf.gather(boxes, best_box), anchors)
    return tf.where(matched[:, None] > 0, codes, 0.0), matched
