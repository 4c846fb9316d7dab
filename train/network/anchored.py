"""Networks whose anchors are matched with boxes by IoU, and whose box codes are trained by a Huber loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from train.geometry.size import InputSize
from train.network.network import LossSettings, Network

if TYPE_CHECKING:
    from collections.abc import Sequence

    import tensorflow as tf

    from train.network.network import Assign, Losses, SumOfReplicas, Targets, TrainedBoxes
    from train.targets.matching import Rule


class AnchoredNetwork(Network):
    """Matching by IoU, sigmoid focal loss with weight `alpha` for matched anchors, Huber loss."""

    alpha: float = 0.25
    # See `matching.match`.
    first_box_wins: bool = False

    def assign(self, size: InputSize, rule: Rule) -> Assign:
        """Targets are `codes` float32 [A, 4] and `classes` int32 [A] (see `matching.match`)."""
        import tensorflow as tf

        from train.targets import matching

        table = tf.constant(self.head(size).anchors)

        def assign(boxes: tf.Tensor, classes: tf.Tensor) -> dict[str, tf.Tensor]:
            codes, matched = matching.match(boxes, classes, table, rule, first_box_wins=self.first_box_wins)
            return {"codes": codes, "classes": matched}

        return assign

    def losses(self, size: InputSize, settings: LossSettings) -> Losses:
        """See `train.targets.losses.detection_losses`."""
        from train.targets import losses

        def of_batch(
            outputs: Sequence[tf.Tensor], targets: Targets, sum_of_replicas: SumOfReplicas
        ) -> tuple[tf.Tensor, tf.Tensor]:
            codes, logits = outputs[:2]
            return losses.detection_losses(
                codes,
                logits,
                targets["codes"],
                targets["classes"],
                sum_of_replicas(losses.positive_anchors(targets["classes"])),
                class_weights=settings.class_weights,
                smoothing=settings.smoothing,
                alpha=self.alpha,
            )

        return of_batch

    def trained_boxes(self, size: InputSize) -> TrainedBoxes:
        """Decodes the codes of matched anchors."""
        import tensorflow as tf

        from train.targets.box_coder import decode

        table = tf.constant(self.head(size).anchors)

        def boxes(targets: Targets) -> tuple[tf.Tensor, tf.Tensor]:
            positive = targets["classes"] > 0
            found = decode(tf.boolean_mask(targets["codes"], positive), tf.boolean_mask(table, positive))
            return tf.boolean_mask(targets["classes"], positive), found

        return boxes
