"""Post-processing: from box codes and class logits to detections, with the published settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from runtime.common.values import Box, Detection, Labels
from train.models import box_coder

IOU_THRESHOLD = 0.6
SCORE_THRESHOLD = 1e-8
MAX_DETECTIONS = 100


class BatchDetections(NamedTuple):
    """Detections of a batch, highest score first, padded to the same number M per image.

    `boxes` are float32 [N, M, 4] as (ymin, xmin, ymax, xmax) in 0..1, clipped to the image; `scores` float32 [N, M];
    `classes` int32 [N, M], 0 for the first label; `count` int32 [N], the number of detections of each image.
    """

    boxes: tf.Tensor
    scores: tf.Tensor
    classes: tf.Tensor
    count: tf.Tensor


def detections(box_codes: tf.Tensor, class_logits: tf.Tensor, anchors: tf.Tensor) -> BatchDetections:
    """Sigmoid and non-maximum suppression per class at IoU 0.6, with at most 100 detections per image.

    `box_codes` is [N, A, 4], `class_logits` [N, A, classes] without the background column, `anchors`
    [A, 4] as (yc, xc, h, w).
    """
    boxes = box_coder.decode(box_codes, anchors)[:, :, None, :]
    scores = tf.sigmoid(class_logits)
    nms = tf.image.combined_non_max_suppression(
        boxes,
        scores,
        max_output_size_per_class=MAX_DETECTIONS,
        max_total_size=MAX_DETECTIONS,
        iou_threshold=IOU_THRESHOLD,
        score_threshold=SCORE_THRESHOLD,
        clip_boxes=True,
    )
    classes = tf.cast(nms.nmsed_classes, tf.int32)
    return BatchDetections(nms.nmsed_boxes, nms.nmsed_scores, classes, nms.valid_detections)


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
