"""Losses of the detector: sigmoid focal loss on class logits, Huber loss on box codes."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

ALPHA = 0.25


def focal_loss(logits: tf.Tensor, targets: tf.Tensor, smoothing: float = 0.0, alpha: float = ALPHA) -> tf.Tensor:
    """Elementwise sigmoid focal loss (Lin et al. 2017) with gamma 2; the weight of target 1 is `alpha`.

    `logits`, `targets` (0 or 1) and the result have the same shape.

    With `smoothing` s (Szegedy et al. 2016), the cross entropy is that of the targets 1 - s / 2 and s / 2 in place of 1
    and 0, for matched and background anchors alike. Alpha and the modulating factor follow the targets 0 and 1, as in
    EfficientDet's code (Tan et al. 2020), so that the many easy background anchors keep their small weight.
    """
    # With z = logit where the target is 1 and z = -logit where it is 0, p_t = sigmoid(z). Softplus of -z is the cross
    # entropy, and is exact for large logits.
    signed = tf.where(targets > 0.5, logits, -logits)
    cross_entropy = tf.nn.softplus(-signed)
    if smoothing:
        cross_entropy = (1.0 - smoothing / 2) * cross_entropy + smoothing / 2 * tf.nn.softplus(signed)
    # To the power of gamma.
    modulation = tf.square(tf.sigmoid(-signed))
    weight = tf.where(targets > 0.5, alpha, 1.0 - alpha)
    return weight * modulation * cross_entropy


def huber_loss(errors: tf.Tensor) -> tf.Tensor:
    """Elementwise Huber loss with delta 1 of `errors` = predicted - target."""
    size = tf.abs(errors)
    return tf.where(size <= 1.0, 0.5 * tf.square(size), size - 0.5)


def positive_anchors(target_classes: tf.Tensor) -> tf.Tensor:
    """Number of anchors in `target_classes`, int32 [N, A], that are matched with a box: a float32 scalar."""
    return tf.reduce_sum(tf.cast(target_classes > 0, tf.float32))


def detection_losses(
    box_codes: tf.Tensor,
    class_logits: tf.Tensor,
    target_codes: tf.Tensor,
    target_classes: tf.Tensor,
    positives: tf.Tensor | None = None,
    *,
    class_weights: Sequence[float] = (),
    smoothing: float = 0.0,
    alpha: float = ALPHA,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Class loss and box loss of a batch: two scalars, to be added with weight 1 each.

    The class loss is summed over anchors and columns and divided by the number of positive anchors of the batch (at
    least 1). The box loss is summed over positive anchors only and divided by four times that number. The target of a
    background anchor is zero in every column, column 0 included.

    Args:
      box_codes: float32 [N, A, 4].
      class_logits: float32 [N, A, classes + 1], column 0 background.
      target_codes: float32 [N, A, 4].
      target_classes: int32 [N, A], 0 for background, classes from 1.
      positives: number of positive anchors to divide by, where these images are only a part of the batch. By default,
        the number in `target_classes`.
      class_weights: one for each class. The class loss of an anchor, in all its columns, is multiplied by the weight of
        the class that it is matched with, and that of a background anchor by 1. By default, all are 1.
      smoothing: see `focal_loss`.
      alpha: see `focal_loss`.
    """
    columns = class_logits.shape[-1]
    positive = tf.cast(target_classes > 0, tf.float32)
    positives = tf.maximum(tf.reduce_sum(positive) if positives is None else positives, 1.0)
    one_hot = tf.one_hot(target_classes, columns) * positive[..., None]
    elementwise = focal_loss(class_logits, one_hot, smoothing, alpha)
    if class_weights:
        elementwise *= tf.gather(tf.constant([1.0, *class_weights]), target_classes)[..., None]
    class_loss = tf.reduce_sum(elementwise) / positives
    per_anchor = tf.reduce_sum(huber_loss(box_codes - target_codes), axis=-1) * positive
    return class_loss, tf.reduce_sum(per_anchor) / (4.0 * positives)
