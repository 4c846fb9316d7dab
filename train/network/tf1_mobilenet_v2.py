"""TensorFlow 1's networks on MobileNetV2, which were trained with hard example mining."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from train.geometry.size import InputSize
from train.network.network import LossSettings
from train.network.tf1_multibox import Tf1Multibox

if TYPE_CHECKING:
    import tensorflow as tf

    from train.network.network import Losses, SumOfReplicas, Targets


class Tf1MobilenetV2(Tf1Multibox):
    """See the module. Subclasses give its style."""

    root = "FeatureExtractor/MobilenetV2"
    last = "layer_19"

    def losses(self, size: InputSize, settings: LossSettings) -> Losses:
        """See `train.targets.hard_mining.mined_losses`."""
        import tensorflow as tf

        from train.targets.hard_mining import mined_losses
        from train.targets.losses import positive_anchors

        anchors = tf.constant(self.head(size).anchors)

        def of_batch(
            outputs: Sequence[tf.Tensor], targets: Targets, sum_of_replicas: SumOfReplicas
        ) -> tuple[tf.Tensor, tf.Tensor]:
            codes, logits = outputs[:2]
            return mined_losses(
                codes,
                logits,
                targets["codes"],
                targets["classes"],
                sum_of_replicas(positive_anchors(targets["classes"])),
                anchors,
                class_weights=settings.class_weights,
                smoothing=settings.smoothing,
            )

        return of_batch

    def scope(self, layer: str) -> str:
        """`block_3_expand` is `expanded_conv_3/expand`."""
        if layer in ("stem", "last"):
            return {"stem": "Conv", "last": "Conv_1"}[layer]
        _, number, kind = layer.split("_")
        return f"expanded_conv{'' if number == '0' else f'_{number}'}/{kind}"
