"""From raw outputs to detections, as the published evaluation does it."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from runtime.common.values import Box, Detection, Labels
from train.models import box_coder

IOU_THRESHOLD = 0.6
SCORE_THRESHOLD = 1e-8
MAX_DETECTIONS = 100


class Found(NamedTuple):
    """Detections of a batch, best first, padded to the same number.

    `boxes` float32 [N, M, 4] as ymin, xmin, ymax, xmax in 0..1, clipped to the image; `scores`
    float32 [N, M]; `classes` int32 [N, M] from 0 at the first label; `count` int32 [N].
    """

    boxes: tf.Tensor
    scores: tf.Tensor
    classes: tf.Tensor
    count: tf.Tensor


def detections(box_codes: tf.Tensor, class_logits: tf.Tensor, anchors: tf.Tensor) -> Found:
    """Sigmoid, suppression per class at IoU 0.6, at most 100 an image.

    `box_codes` is [N, A, 4], `class_logits` [N, A, classes] without the background column, `anchors`
    [A, 4] as yc, xc, h, w.
    """
    boxes = box_coder.decode(box_codes, anchors)[:, :, None, :]
    scores = tf.sigmoid(class_logits)
    found = tf.image.combined_non_max_suppression(
        boxes,
        scores,
        max_output_size_per_class=MAX_DETECTIONS,
        max_total_size=MAX_DETECTIONS,
        iou_threshold=IOU_THRESHOLD,
        score_threshold=SCORE_THRESHOLD,
        clip_boxes=True,
    )
    classes = tf.cast(found.nmsed_classes, tf.int32)
    return Found(found.nmsed_boxes, found.nmsed_scores, classes, found.valid_detections)


def best_class_detections(
    box_codes: tf.Tensor,
    class_logits: tf.Tensor,
    anchors: tf.Tensor,
    most: int = MAX_DETECTIONS,
    iou: float = IOU_THRESHOLD,
    least_score: float = SCORE_THRESHOLD,
) -> Found:
    """As the operation in a .tflite does it: one class an anchor, suppression across classes.

    Takes one image: `box_codes` [1, A, 4], `class_logits` [1, A, classes], `anchors` [A, 4].
    """
    boxes = box_coder.decode(box_codes, anchors)[0]
    classes = tf.argmax(class_logits[0], axis=-1, output_type=tf.int32)
    scores = tf.sigmoid(tf.reduce_max(class_logits[0], axis=-1))
    kept = tf.image.non_max_suppression(boxes, scores, most, iou, least_score)
    boxes, scores, classes = (tf.gather(values, kept)[None] for values in (boxes, scores, classes))
    return Found(tf.clip_by_value(boxes, 0.0, 1.0), scores, classes, tf.shape(kept))


def to_detections(boxes, scores, classes, width: int, height: int, labels: Labels) -> list[Detection]:
    """Arrays of one image (boxes [M, 4] as ymin, xmin, ymax, xmax in 0..1) as values in pixels."""
    return [
        Detection(
            labels[int(k)],
            int(k),
            float(score),
            Box(float(box[1]) * width, float(box[0]) * height, float(box[3]) * width, float(box[2]) * height),
        )
        for box, score, k in zip(boxes, scores, classes)
    ]
