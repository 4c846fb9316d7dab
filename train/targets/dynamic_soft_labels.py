"""Dynamic soft label assignment of NanoDet-Plus: which point is to find which box, by what the network predicts.

The costs are those of SimOTA (Ge et al. 2021, YOLOX), with soft labels as in quality focal loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import tensorflow as tf

# How many of a box's greatest IoUs decide how many points it takes.
_TOP = 13
_IOU_WEIGHT = 3.0
_EPSILON = 1e-7
# The cost of what cannot be matched.
_NEVER = 1e9


# The most boxes of one image that training looks at.
MOST_BOXES = 300


def padded(boxes: tf.Tensor, classes: tf.Tensor) -> dict[str, tf.Tensor]:
    """The targets of one image: `boxes` float32 [300, 4] and `classes` int32 [300], of zeros behind those of the image.

    Its boxes are float32 [G, 4] and its classes int32 [G] from 1; of more than 300, the last are left out.
    """
    missing = tf.maximum(MOST_BOXES - tf.shape(classes)[0], 0)
    return {
        "boxes": tf.ensure_shape(tf.pad(boxes[:MOST_BOXES], [[0, missing], [0, 0]]), [MOST_BOXES, 4]),
        "classes": tf.ensure_shape(tf.pad(classes[:MOST_BOXES], [[0, missing]]), [MOST_BOXES]),
    }


def unpadded(targets: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
    """Classes [G] and boxes [G, 4] of one image, of its targets as from `padded`."""
    real = targets["classes"] > 0
    return tf.boolean_mask(targets["classes"], real), tf.boolean_mask(targets["boxes"], real)


def fullest(targets: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
    """Boxes [N, G, 4] and classes [N, G] of a batch of such targets, where G is the number of the fullest image, or 1."""
    classes = targets["classes"]
    most = tf.maximum(tf.reduce_max(tf.reduce_sum(tf.cast(classes > 0, tf.int32), axis=1)), 1)
    return targets["boxes"][:, :most], classes[:, :most]


class Assignment(NamedTuple):
    """The targets of all points of a batch.

    `boxes` float32 [N, A, 4] (ymin, xmin, ymax, xmax), of zeros for a negative point; `classes` int32 [N, A], 0 for
    a negative one and classes from 1; `quality` float32 [N, A], the IoU of a positive point's prediction with its box.
    """

    boxes: tf.Tensor
    classes: tf.Tensor
    quality: tf.Tensor


def assign(
    logits: tf.Tensor, predicted: tf.Tensor, points: tf.Tensor, boxes: tf.Tensor, classes: tf.Tensor
) -> Assignment:
    """The assignment by the predictions of a batch, which gradients don't pass.

    Points inside of any box are candidates. Each box takes those of least cost, as many as the sum of its 13 greatest
    IoUs says, at least one. A point that several boxes take goes to the box that costs it least of all boxes, even one
    that did not take it. Boxes in `predicted`, `points` and `boxes` have one unit.

    Args:
      logits: float32 [N, A, C], class logits.
      predicted: float32 [N, A, 4], predicted boxes (ymin, xmin, ymax, xmax).
      points: float32 [A, 4], (y, x, stride_y, stride_x).
      boxes: float32 [N, G, 4], labelled boxes.
      classes: int32 [N, G], their classes counted from 1; 0 for rows that only fill up.
    """
    logits, predicted = tf.stop_gradient(logits), tf.stop_gradient(predicted)
    real = classes > 0
    candidate = _candidates(points, boxes, real)
    possible = candidate[:, None, :] & real[:, :, None]
    ious = tf.where(possible, _iou(boxes, predicted), 0.0)
    costs = tf.where(possible, _costs(logits, ious, classes), _NEVER)
    taken = _taken(ious, costs)

    # A point of one box has that box; one of several the cheapest of all.
    several = tf.reduce_sum(taken, axis=1) > 1.0
    owner = tf.where(several, tf.argmin(costs, axis=1), tf.argmax(taken, axis=1))
    positive = tf.reduce_max(taken, axis=1) > 0.0
    return Assignment(
        tf.where(positive[..., None], tf.gather(boxes, owner, batch_dims=1), 0.0),
        tf.where(positive, tf.gather(classes, owner, batch_dims=1), 0),
        tf.where(positive, _at(ious, owner), 0.0),
    )


def _candidates(points: tf.Tensor, boxes: tf.Tensor, real: tf.Tensor) -> tf.Tensor:
    """Which points [N, A] lie strictly inside of a box."""
    low, high = boxes[:, :, None, :2], boxes[:, :, None, 2:]
    inside = tf.reduce_all((points[:, :2] > low) & (points[:, :2] < high), axis=-1)
    return tf.reduce_any(inside & real[:, :, None], axis=1)


def _iou(boxes: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
    """Intersection over union [N, G, A] of `boxes` [N, G, 4] and `predicted` [N, A, 4]."""
    one, other = boxes[:, :, None], predicted[:, None]
    sides = tf.maximum(tf.minimum(one[..., 2:], other[..., 2:]) - tf.maximum(one[..., :2], other[..., :2]), 0.0)
    shared = tf.reduce_prod(sides, axis=-1)
    areas = tf.reduce_prod(one[..., 2:] - one[..., :2], axis=-1) + tf.reduce_prod(other[..., 2:] - other[..., :2], axis=-1)
    return tf.math.divide_no_nan(shared, areas - shared)


def _costs(logits: tf.Tensor, ious: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
    """Costs [N, G, A] of each point for each box.

    The class cost is summed over all classes, of which all but the box's own have a target of 0; so their sum is the
    same for all boxes, but for the box's own class.
    """
    absent = _quality_loss(logits, tf.zeros_like(logits))
    column = tf.maximum(classes - 1, 0)
    own = tf.gather(tf.transpose(logits, [0, 2, 1]), column, batch_dims=1)
    own_absent = tf.gather(tf.transpose(absent, [0, 2, 1]), column, batch_dims=1)
    of_classes = tf.reduce_sum(absent, axis=-1)[:, None] - own_absent + _quality_loss(own, ious)
    return of_classes - _IOU_WEIGHT * tf.math.log(ious + _EPSILON)


def _quality_loss(logits: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    cross_entropy = tf.nn.sigmoid_cross_entropy_with_logits(target, logits)
    return cross_entropy * tf.square(target - tf.sigmoid(logits))


def _taken(ious: tf.Tensor, costs: tf.Tensor) -> tf.Tensor:
    """1 where a box takes a point, else 0: float32 [N, G, A]."""
    shape = tf.shape(costs)
    top = min(_TOP, costs.shape[2])
    number = tf.maximum(tf.cast(tf.reduce_sum(tf.math.top_k(ious, top).values, axis=-1), tf.int32), 1)
    cheapest = tf.math.top_k(-costs, top)
    chosen = (tf.range(top) < number[..., None]) & (cheapest.values > -_NEVER / 2)
    row = tf.range(shape[0] * shape[1])[:, None] * shape[2]
    places = row + tf.reshape(cheapest.indices, [-1, top])
    flat = tf.scatter_nd(
        tf.reshape(places, [-1, 1]), tf.reshape(tf.cast(chosen, tf.float32), [-1]), [tf.reduce_prod(shape)]
    )
    return tf.reshape(flat, shape)


def _at(values: tf.Tensor, owner: tf.Tensor) -> tf.Tensor:
    """Of `values` [N, G, A], those of each point's `owner` [N, A]."""
    return tf.gather(tf.transpose(values, [0, 2, 1]), owner, batch_dims=2)
