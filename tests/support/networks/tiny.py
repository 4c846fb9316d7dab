"""A network of one small file, as somebody might add it: seven convolutions and one map of anchors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from train.geometry.head import Head, Level
from train.geometry.size import InputSize, SizeRule
from train.network.anchored import AnchoredNetwork
from train.network.network import Defaults, Facts

if TYPE_CHECKING:
    import tensorflow as tf

    from train.graph.graph import Graph
    from train.layers.keras_types import Layer, Model

_STRIDE = 16
_SHAPES = ((32.0, 32.0), (64.0, 64.0))
_CHANNELS = (8, 16, 24, 32)


class Tiny(AnchoredNetwork):
    """See the module."""

    facts = Facts("Tiny", 0.0, 0.01, "Apache-2.0", "none", "tests")
    sizes = SizeRule(InputSize(96, 96), multiple=_STRIDE, least=48, greatest=320)
    defaults = Defaults(rate=0.02, ema=0.5)
    class_stems = ("classes/",)

    def head(self, size: InputSize) -> Head:
        rows, columns = (side // _STRIDE for side in size)
        middle = _STRIDE / 2
        return Head(size, (Level(rows, columns, (_STRIDE, _STRIDE), (middle, middle), _SHAPES),))

    def build(self, size: InputSize, classes: int, *, momentum: float, frozen: bool) -> Model:
        import tensorflow as tf
        import tf_keras

        from train.layers.layers import BatchNormSettings, conv, relu6

        settings = BatchNormSettings(momentum, frozen)
        image = x = tf_keras.Input((*size, 3))
        for index, channels in enumerate(_CHANNELS):
            x = relu6(settings.layer(f"norm_{index}")(conv(channels, 3, 2, name=f"conv_{index}")(x)))
        backbone = tf_keras.Model(image, x, name="backbone")
        top = relu6(settings.layer("norm_top")(conv(32, 3, name="conv_top")(backbone(image))))
        boxes = conv(4 * len(_SHAPES), bias=True, name="boxes")(top)
        logits = conv((classes + 1) * len(_SHAPES), bias=True, name="classes", bias_start=-2.0)(top)
        outputs = [tf.reshape(boxes, [-1, boxes.shape[1] * boxes.shape[2] * len(_SHAPES), 4])]
        outputs.append(tf.reshape(logits, [-1, outputs[0].shape[1], classes + 1]))
        model: Model = tf_keras.Model(image, outputs, name="tiny")
        return model

    def variables(self, model: Model) -> dict[str, tf.Variable]:
        layers = [*model.get_layer("backbone").layers, *model.layers]
        return {
            f"{layer.name}/{variable.name.rsplit('/', 1)[-1].removesuffix(':0')}": variable
            for layer in layers
            if layer.name != "backbone"
            for variable in layer.variables
        }

    def classes_in(self, shapes: Mapping[str, Sequence[int]]) -> int | None:
        bias = shapes.get("classes/bias")
        return None if bias is None else bias[0] // len(_SHAPES) - 1

    def fold(self, model: Model) -> Graph:
        import tensorflow as tf

        from train.graph.builder import Builder
        from train.graph.graph import Graph

        builder, x, inner = Builder(), "image", model.get_layer("backbone")
        for name in range(len(_CHANNELS)):
            x = builder.conv(f"conv_{name}", x, inner.get_layer(f"conv_{name}"), inner.get_layer(f"norm_{name}"), relu6=True)
        x = builder.conv("conv_top", x, model.get_layer("conv_top"), model.get_layer("norm_top"), relu6=True)
        boxes = builder.conv("boxes", x, model.get_layer("boxes"))
        columns = model.classes + 1
        foreground = [shape * columns + column for shape in range(len(_SHAPES)) for column in range(1, columns)]
        classes = builder.conv("classes", x, model.get_layer("classes"), columns=tf.constant(foreground))
        return Graph(tuple(builder.nodes), (boxes,), (classes,), self.head(model.size), model.classes)

    def backbone(self, model: Model) -> Layer:
        return model.get_layer("backbone")

    def heads(self, model: Model) -> tuple[Layer, ...]:
        return model.get_layer("boxes"), model.get_layer("classes")


NETWORK = Tiny()
