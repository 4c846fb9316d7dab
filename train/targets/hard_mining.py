"""The losses of SSD with hard example mining, as TensorFlow's detection API had them for TensorFlow 1 (Liu et al. 2016)."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from train.targets import box_coder
from train.targets.losses import huber_loss

# Predicted boxes that nearly coincide are one example: the one with the greatest class loss.
_IOU = 0.99
_MOST = 3000
# Negatives for each positive, and how many an image without a positive has.
_NEGATIVES = 3
_LEAST = 3


def mined_losses(
    box_codes: tf.Tensor,
    class_logits: tf.Tensor,
    target_codes: tf.Tensor,
    target_classes: tf.Tensor,
    positives: tf.Tensor,
    anchors: tf.Tensor,
    *,
    class_weights: Sequence[float] = (),
    smoothing: float = 0.0,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Class loss and box loss of a batch: two scalars, to be added with weight 1 each.

    Arguments are those of `losses.detection_losses`, and `anchors` float32 [A, 4]. The class loss of an anchor is the
    sigmoid cross entropy summed over its columns, in which a background anchor has the target 1 in column 0. In each
    image, of the anchors whose decoded boxes pass suppression at IoU 0.99, by class loss and at most 3,000, all positives
    count, and of the others the three with the greatest class loss for each positive, or three. Both sums are divided by
    the number of positives, at least 1.
    """
    columns = class_logits.shape[-1]
    one_hot = tf.one_hot(target_classes, columns)
    if smoothing:
        one_hot = one_hot * (1.0 - smoothing) + smoothing / 2
    by_anchor = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(one_hot, class_logits), axis=-1)
    if class_weights:
        by_anchor *= tf.gather(tf.constant([1.0, *class_weights]), target_classes)
    positive = target_classes > 0
    box_loss = tf.reduce_sum(huber_loss(box_codes - target_codes), axis=-1) * tf.cast(positive, tf.float32)
    boxes = tf.stop_gradient(box_coder.decode(box_codes, anchors))
    counted = tf.map_fn(
        lambda image: _counted(*image),
        (boxes, tf.stop_gradient(by_anchor), positive),
        fn_output_signature=tf.TensorSpec([by_anchor.shape[1]], tf.float32),
    )
    positives = tf.maximum(positives, 1.0)
    return tf.reduce_sum(by_anchor * counted) / positives, tf.reduce_sum(box_loss * counted) / positives


def _counted(boxes: tf.Tensor, losses: tf.Tensor, positive: tf.Tensor) -> tf.Tensor:
    """1 for each anchor of one image that counts, else 0: float32 [A]."""
    kept = tf.image.non_max_suppression(boxes, losses, _MOST, _IOU)
    its = tf.gather(positive, kept)
    number = tf.reduce_sum(tf.cast(its, tf.int32))
    allowed = tf.maximum(_NEGATIVES * number, _LEAST)
    # Suppression gives anchors by falling loss.
    rank = tf.cumsum(tf.cast(~its, tf.int32))
    chosen = tf.boolean_mask(kept, its | (rank <= allowed))
    return tf.scatter_nd(chosen[:, None], tf.ones_like(chosen, tf.float32), tf.shape(losses))
