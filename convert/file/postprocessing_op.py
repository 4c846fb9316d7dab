"""The custom operation that turns raw outputs into detections, as TensorFlow sees it.

The TFLite converter replaces a function that says it implements `TFLite_Detection_PostProcess` by
one CUSTOM operation; the function's body is only there to be traced. It does so on its newer road
only: give `from_concrete_functions` the object that owns the function, or go through a SavedModel.
`convert.contract.contract` sets the order and names of the outputs afterwards.
"""

from __future__ import annotations

from typing import Callable, Sequence, Tuple

import numpy as np
import tensorflow as tf

from convert.file.anatomy import OPERATION

Outputs = Tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]


def detection_postprocess(
    box_codes: tf.Tensor,
    class_scores: tf.Tensor,
    anchors: np.ndarray,
    *,
    num_classes: int,
    max_detections: int = 25,
    max_classes_per_detection: int = 1,
    score_threshold: float = 1e-8,
    iou_threshold: float = 0.6,
    scales: Sequence[float] = (10.0, 10.0, 5.0, 5.0),
    use_regular_nms: bool = False,
) -> Outputs:
    """Adds the operation to the graph that is being traced.

    `box_codes` float32 [1, A, 4] as (ty, tx, th, tw), to be divided by `scales`; `class_scores`
    float32 [1, A, num_classes] or, with background in column 0, [1, A, num_classes + 1], after the
    sigmoid; `anchors` [A, 4] as (yc, xc, h, w) relative to the image.

    Returns boxes [1, N, 4] as (ymin, xmin, ymax, xmax) relative to the image, classes [1, N]
    from 0 at the first label, scores [1, N] falling, and the count [1], all float32, with
    N = max_detections * max_classes_per_detection. Only the converted file computes them: run in
    TensorFlow itself the values mean nothing.

    `use_regular_nms` chooses between the operation's two ways:

    - True: non-maximum suppression for each class by itself, then the best `max_detections` over
      all classes. These are the semantics of the published evaluation. An anchor may be found once
      for each class. It looks at every column of `class_scores`, so the time grows with the number
      of classes (`num_classes` passes over A scores). `max_classes_per_detection` does not matter
      and is written as 1; N is `max_detections`, of which at most 100 are of one class. LiteRT 2.3
      shares the classes out among its threads and loses those that do not divide evenly (with two
      threads and three classes the last one), so that a shipped file should not use it.
    - False ("fast", the published exporter's choice): the best `max_classes_per_detection` classes of each anchor, then one
      suppression over all anchors whatever their classes. The time hardly depends on the number of
      classes, but a box hides an overlapping one of another class, and with more than one class a
      detection the scores do not fall over the N entries.

    Both leave out scores below `score_threshold` before they sort, which is what costs time at
    1e-8: nearly every anchor then enters the sort. Measured for 12,804 anchors and 40 objects, in
    milliseconds on one x86 core, by threshold:

        classes  way      1e-8  0.01  0.05  0.2
        3        regular   9.1   1.6   1.1  1.0
        3        fast      4.5   1.7   0.8  0.8
        90       regular   405    34   6.7  3.8
        90       fast      5.8   6.0   2.2  2.2
    """
    anchors = np.asarray(anchors, np.float32)
    _check(box_codes, class_scores, anchors, num_classes, scales)
    if use_regular_nms:
        max_classes_per_detection = 1
    slots = max_detections * max_classes_per_detection
    attributes = [
        ("max_detections", "i", int(max_detections)),
        ("max_classes_per_detection", "i", int(max_classes_per_detection)),
        ("use_regular_nms", "b", "true" if use_regular_nms else "false"),
        # repr, not %f, which would write 1e-8 as 0.000000.
        ("nms_score_threshold", "f", repr(float(score_threshold))),
        ("nms_iou_threshold", "f", repr(float(iou_threshold))),
        ("num_classes", "i", int(num_classes)),
        *((f"{name}_scale", "f", repr(float(scale))) for name, scale in zip("yxhw", scales)),
    ]
    implements = f'name: "{OPERATION}" ' + " ".join(
        f'attr {{ key: "{key}" value {{ {kind}: {value} }} }}' for key, kind, value in attributes
    )

    def detections(box_codes: tf.Tensor, class_scores: tf.Tensor, anchors: tf.Tensor) -> Outputs:
        # Four different values that depend on the arguments: constants would be folded, and equal
        # outputs merged.
        return (
            tf.fill([1, slots, 4], tf.reduce_max(box_codes) + tf.reduce_max(anchors)),
            tf.fill([1, slots], tf.reduce_max(class_scores)),
            tf.fill([1, slots], tf.reduce_min(class_scores)),
            tf.fill([1], tf.reduce_mean(class_scores)),
        )

    operation: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], Outputs]
    operation = tf.function(detections, experimental_implements=implements)
    return operation(box_codes, class_scores, tf.constant(anchors))


def _check(
    box_codes: tf.Tensor, class_scores: tf.Tensor, anchors: np.ndarray, num_classes: int, scales: Sequence[float]
) -> None:
    count = anchors.shape[0]
    if anchors.ndim != 2 or anchors.shape[1] != 4:
        raise ValueError(f"anchors are [A, 4], not {list(anchors.shape)}")
    if list(box_codes.shape[1:]) != [count, 4]:
        raise ValueError(f"{count} anchors, but box codes are {box_codes.shape}")
    if class_scores.shape[1] != count or class_scores.shape[2] - num_classes not in (0, 1):
        raise ValueError(
            f"{count} anchors and {num_classes} classes, but class scores are {class_scores.shape}"
        )
    if len(scales) != 4:
        raise ValueError("four scales are needed: y, x, h, w")
