"""Post-processing: from box codes and class logits to detections, with the published settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from runtime.common.values import Box, Detection, Labels
from train.geometry.head import Head
from train.targets import box_coder, distribution

IOU_THRESHOLD = 0.6
SCORE_THRESHOLD = 1e-8
MAX_DETECTIONS = 100
# How many anchors are tried first. With 365 classes and 51,150 anchors, all of them take a second an image.
_ANCHORS = (1000, 5000)


class BatchDetections(NamedTuple):
    """Detections of a batch, highest score first, padded to the same number M per image.

    `boxes` are float32 [N, M, 4] as (ymin, xmin, ymax, xmax) in 0..1, clipped to the image; `scores` float32 [N, M];
    `classes` int32 [N, M], 0 for the first label; `count` int32 [N], the number of detections of each image.
    """

    boxes: tf.Tensor
    scores: tf.Tensor
    classes: tf.Tensor
    count: tf.Tensor


def detections(box_codes: tf.Tensor, class_logits: tf.Tensor, head: Head) -> BatchDetections:
    """Sigmoid and non-maximum suppression per class at IoU 0.6, with at most 100 detections per image.

    `box_codes` is [N, A, head.columns], `class_logits` [N, A, classes] without the background column.
    """
    codes = distribution.codes(box_codes, head.bins) if head.bins else box_codes
    boxes = box_coder.decode(codes, tf.constant(head.anchors), head.scales)
    scores = tf.sigmoid(class_logits)
    nms = _best_anchors_first(boxes, scores, tuple(number for number in _ANCHORS if number < len(head.anchors)))
    classes = tf.cast(nms.nmsed_classes, tf.int32)
    return BatchDetections(nms.nmsed_boxes, nms.nmsed_scores, classes, nms.valid_detections)


def _best_anchors_first(boxes: tf.Tensor, scores: tf.Tensor, numbers: tuple[int, ...]) -> Any:
    """Non-maximum suppression of `boxes` [N, A, 4] and `scores` [N, A, classes], with as few anchors as give the result.

    A box is suppressed only by boxes of higher scores. So the detections whose scores are above those of all anchors
    that are left out are the same as those of all anchors, and if they are 100, they are the result. Of the numbers
    of anchors in `numbers`, and then all anchors, the first that gives 100 detections in each image is used.
    """
    if not numbers:
        return _nms(boxes, scores)
    best, chosen = tf.math.top_k(tf.reduce_max(scores, axis=-1), numbers[0])
    # In their order, because of equal scores the lower anchor comes first.
    chosen = tf.sort(chosen)
    some = tf.gather(scores, chosen, batch_dims=1)
    above = tf.where(some > best[:, -1:, None], some, 0.0)
    found = _nms(tf.gather(boxes, chosen, batch_dims=1), above)
    result = tf.cond(
        tf.reduce_all(found.valid_detections == MAX_DETECTIONS),
        lambda: tuple(found),
        lambda: tuple(_best_anchors_first(boxes, scores, numbers[1:])),
    )
    return type(found)(*result)


def _nms(boxes: tf.Tensor, scores: tf.Tensor) -> Any:
    return tf.image.combined_non_max_suppression(
        boxes[:, :, None, :],
        scores,
        max_output_size_per_class=MAX_DETECTIONS,
        max_total_size=MAX_DETECTIONS,
        iou_threshold=IOU_THRESHOLD,
        score_threshold=SCORE_THRESHOLD,
        clip_boxes=True,
    )


def to_detections(
    boxes: np.ndarray, scores: Iterable[float], classes: Iterable[int], width: int, height: int, labels: Labels
) -> list[Detection]:
    """Converts the arrays of one image to `Detection` objects in pixels.

    `boxes` are [M, 4] as (ymin, xmin, ymax, xmax) in 0..1, `scores` and `classes` are [M].
    """
    return [
        Detection(
            labels[int(number)],
            int(number),
            float(score),
            Box(float(box[1]) * width, float(box[0]) * height, float(box[3]) * width, float(box[2]) * height),
        )
        for box, score, number in zip(boxes, scores, classes)
    ]
