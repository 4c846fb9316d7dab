"""The losses of a network whose predictions decide what they are to find: one assignment for all of its heads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import tensorflow as tf

from train.geometry.head import Head
from train.targets import distribution, dynamic_soft_labels, generalized_focal


def guided_losses(
    head: Head, class_weights: Sequence[float]
) -> Callable[
    [Sequence[tf.Tensor], Mapping[str, tf.Tensor], Callable[[tf.Tensor], tf.Tensor]], tuple[tf.Tensor, tf.Tensor]
]:
    """What gives class loss and box loss of a batch, each the sum over the heads.

    It is called with the outputs, which are codes and logits and then, if there is one, those of the guidance module,
    with targets as from `dynamic_soft_labels.padded`, and with what gives the sum of a scalar over all replicas. The
    last head's predictions decide which points find which boxes: the module's, or the network's own.
    """
    height, width = head.size
    unit = tf.constant([height, width, height, width], tf.float32)
    points = tf.constant(head.anchors) * unit

    def of_batch(
        outputs: Sequence[tf.Tensor], targets: Mapping[str, tf.Tensor], total: Callable[[tf.Tensor], tf.Tensor]
    ) -> tuple[tf.Tensor, tf.Tensor]:
        heads = list(zip(outputs[::2], outputs[1::2]))
        guide_codes, guide_logits = heads[-1]
        boxes, classes = dynamic_soft_labels.fullest(targets)
        guesses = distribution.boxes(guide_codes, points, head.bins)
        assigned = dynamic_soft_labels.assign(guide_logits, guesses, points, boxes * unit, classes)
        found = [
            generalized_focal.losses(logits, codes, points, assigned, class_weights=class_weights, total=total)
            for codes, logits in heads
        ]
        return tf.add_n([each.quality for each in found]), tf.add_n([each.giou + each.distribution for each in found])

    return of_batch
