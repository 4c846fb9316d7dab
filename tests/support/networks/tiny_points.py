"""A small network of points and distributions: that of `tiny`, with other outputs and other targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tests.support.networks.tiny import Tiny
from train.geometry.head import Head, Level
from train.geometry.size import InputSize
from train.network.network import Facts

if TYPE_CHECKING:
    import tensorflow as tf

    from train.graph.graph import Graph
    from train.layers.keras_types import Model
    from train.network.network import Assign, Losses, LossSettings, SumOfReplicas, Targets, TrainedBoxes
    from train.targets.matching import Rule

_STRIDE = 16
_BINS = 6


class TinyPoints(Tiny):
    """See the module."""

    facts = Facts("Tiny points", 0.0, 0.01, "Apache-2.0", "none", "tests")
    background = 0

    def head(self, size: InputSize) -> Head:
        rows, columns = (side // _STRIDE for side in size)
        level = Level(rows, columns, (_STRIDE, _STRIDE), (0.0, 0.0), ((_STRIDE, _STRIDE),))
        return Head(size, (level,), (1.0, 1.0, 1.0, 1.0), _BINS)

    def build(self, size: InputSize, classes: int, *, momentum: float, frozen: bool) -> Model:
        import tensorflow as tf
        import tf_keras

        from train.layers.layers import conv

        backbone = super().build(size, classes, momentum=momentum, frozen=frozen).get_layer("backbone")
        image = tf_keras.Input((*size, 3))
        maps = backbone(image)
        boxes, logits = conv(4 * _BINS, bias=True, name="boxes"), conv(classes, bias=True, name="classes", bias_start=-2.0)
        count = maps.shape[1] * maps.shape[2]
        outputs = [tf.reshape(boxes(maps), [-1, count, 4 * _BINS]), tf.reshape(logits(maps), [-1, count, classes])]
        model: Model = tf_keras.Model(image, outputs, name="tiny_points")
        return model

    def classes_in(self, shapes: Mapping[str, Sequence[int]]) -> int | None:
        return shapes["classes/bias"][0] if shapes.get("boxes/bias") == [4 * _BINS] else None

    def fold(self, model: Model) -> Graph:
        from train.graph.builder import Builder
        from train.graph.graph import Graph

        builder, x, inner = Builder(), "image", model.get_layer("backbone")
        convs = [layer.name for layer in inner.layers if layer.name.startswith("conv_")]
        for name in convs:
            norm = inner.get_layer(name.replace("conv", "norm"))
            x = builder.conv(name, x, inner.get_layer(name), norm, relu6=True)
        heads = [builder.conv(name, x, model.get_layer(name)) for name in ("boxes", "classes")]
        return Graph(tuple(builder.nodes), (heads[0],), (heads[1],), self.head(model.size), model.classes)

    def assign(self, size: InputSize, rule: Rule) -> Assign:
        from train.targets import dynamic_soft_labels

        return dynamic_soft_labels.padded

    def losses(self, size: InputSize, settings: LossSettings) -> Losses:
        """Its own outputs guide the assignment."""
        from train.targets.guided_losses import guided_losses

        guided = guided_losses(self.head(size), settings.class_weights)

        def of_batch(
            outputs: Sequence[tf.Tensor], targets: Targets, sum_of_replicas: SumOfReplicas
        ) -> tuple[tf.Tensor, tf.Tensor]:
            return guided([*outputs, *outputs], targets, sum_of_replicas)

        return of_batch

    def trained_boxes(self, size: InputSize) -> TrainedBoxes:
        from train.targets import dynamic_soft_labels

        return dynamic_soft_labels.unpadded


NETWORK = TinyPoints()
