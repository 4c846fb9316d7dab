"""Losses of NanoDet-Plus: quality focal loss, GIoU loss and distribution focal loss.

From Generalized Focal Loss (Li et al. 2020) and Generalized Intersection over Union (Rezatofighi et al. 2019), with the
weights of the published configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from train.targets import distribution
from train.targets.dynamic_soft_labels import Assignment

_GIOU_WEIGHT = 2.0
_DISTRIBUTION_WEIGHT = 0.25
_EPSILON = 1e-6
# A distance is kept below the last bin, so that there is a bin above it.
_MARGIN = 0.1


class Losses(NamedTuple):
    """The losses of a batch, scalars, their weights included."""

    quality: tf.Tensor
    giou: tf.Tensor
    distribution: tf.Tensor


def losses(
    logits: tf.Tensor,
    distributions: tf.Tensor,
    points: tf.Tensor,
    assigned: Assignment,
    *,
    class_weights: Sequence[float] = (),
    total: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
) -> Losses:
    """The losses of the predictions of a batch.

    Args:
      logits: float32 [N, A, C], class logits.
      distributions: float32 [N, A, 4 * bins], see `distribution`.
      points: float32 [A, 4], (y, x, stride_y, stride_x) in pixels, as the boxes in `assigned`.
      assigned: the targets.
      class_weights: one for each class, for the quality loss of a positive point. By default, all are 1.
      total: gives the sum of a scalar over all replicas, where each has a part of the batch.
    """
    positive = tf.cast(assigned.classes > 0, tf.float32)
    count = tf.maximum(total(tf.reduce_sum(positive)), 1.0)
    targets = tf.one_hot(assigned.classes - 1, logits.shape[-1]) * assigned.quality[..., None]
    elementwise = quality_focal_loss(logits, targets)
    if class_weights:
        elementwise *= tf.gather(tf.constant([1.0, *class_weights]), assigned.classes)[..., None]
    quality = tf.reduce_sum(elementwise) / count

    # A point that is sure of its class matters more.
    weights = tf.stop_gradient(tf.reduce_max(tf.sigmoid(logits), axis=-1)) * positive
    weight = tf.maximum(total(tf.reduce_sum(weights)), 1.0)
    bins = distributions.shape[-1] // 4
    giou = tf.reduce_sum(weights * (1.0 - generalized_iou(distribution.boxes(distributions, points, bins), assigned.boxes)))
    wanted = distribution.target_distances(assigned.boxes, points)
    wanted = tf.clip_by_value(wanted, 0.0, bins - 1 - _MARGIN)
    by_side = tf.reshape(distributions, [-1, distributions.shape[1], 4, bins])
    per_point = tf.reduce_sum(distribution_focal_loss(by_side, wanted), axis=-1)
    return Losses(
        quality,
        _GIOU_WEIGHT * giou / weight,
        _DISTRIBUTION_WEIGHT * tf.reduce_sum(weights * per_point) / (4.0 * weight),
    )


def quality_focal_loss(logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Elementwise quality focal loss with beta 2 of `logits` for `targets` in 0..1, both of one shape."""
    cross_entropy = tf.nn.sigmoid_cross_entropy_with_logits(targets, logits)
    return cross_entropy * tf.square(targets - tf.sigmoid(logits))


def generalized_iou(boxes: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    """Generalized IoU [...], -1 to 1, of `boxes` and `others` [..., 4] (ymin, xmin, ymax, xmax) in pixels."""
    shared = _area(tf.maximum(boxes[..., :2], others[..., :2]), tf.minimum(boxes[..., 2:], others[..., 2:]))
    union = _area(boxes[..., :2], boxes[..., 2:]) + _area(others[..., :2], others[..., 2:]) - shared
    union = tf.maximum(union, _EPSILON)
    hull = _area(tf.minimum(boxes[..., :2], others[..., :2]), tf.maximum(boxes[..., 2:], others[..., 2:]))
    hull = tf.maximum(hull, _EPSILON)
    return shared / union - (hull - union) / hull


def _area(low: tf.Tensor, high: tf.Tensor) -> tf.Tensor:
    return tf.reduce_prod(tf.maximum(high - low, 0.0), axis=-1)


def distribution_focal_loss(logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Cross entropy [...] of `logits` [..., bins] with the two bins around each of `targets` [...], 0 to bins - 1.

    The nearer bin has the greater weight.
    """
    bins = logits.shape[-1]
    below = tf.floor(targets)
    share = targets - below
    low = tf.cast(below, tf.int32)
    wanted = tf.one_hot(low, bins) * (1.0 - share)[..., None] + tf.one_hot(low + 1, bins) * share[..., None]
    return -tf.reduce_sum(wanted * tf.nn.log_softmax(logits), axis=-1)
