"""Networks with six maps of falling size and heads of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from train.geometry.head import Head
from train.geometry.size import InputSize
from train.geometry.ssd_anchors import ssd_anchors
from train.network.anchored import AnchoredNetwork

if TYPE_CHECKING:
    from train.graph.builder import Builder
    from train.graph.graph import Graph
    from train.layers.keras_types import Layer, Model
    from train.layers.multibox_detector import Backbone, MultiboxDetector, Style


class MultiboxNetwork(AnchoredNetwork):
    """A network of the Object Detection API's SSD without a pyramid. Subclasses give its style and variables."""

    first_box_wins = True

    def style(self) -> Style:
        """What the network differs in from others."""
        raise NotImplementedError

    def keras_backbone(self) -> Backbone:
        """What builds the backbone; MobileNetV2 where a subclass says nothing else."""
        from train.layers.mobilenet_v2 import MULTIBOX_TAPS, mobilenet_v2

        return lambda size, batch_norm, kernels: mobilenet_v2(size, batch_norm, MULTIBOX_TAPS, kernels)

    def folded_backbone(self, backbone: Model, builder: Builder) -> Sequence[str]:
        """Adds the nodes of `backbone` to `builder`; the names of those that give its two maps."""
        from train.graph.backbones import mobilenet_v2
        from train.layers.mobilenet_v2 import MULTIBOX_TAPS

        maps = mobilenet_v2(backbone, builder)
        return [maps[tap] for tap in MULTIBOX_TAPS]

    def head(self, size: InputSize) -> Head:
        """Anchors of six maps."""
        return ssd_anchors(size)

    def build(self, size: InputSize, classes: int, *, momentum: float, frozen: bool) -> Model:
        """A `MultiboxDetector`."""
        import tensorflow as tf

        from train.layers.layers import BatchNormSettings
        from train.layers.multibox_detector import MultiboxDetector

        settings = BatchNormSettings(momentum, frozen)
        model = MultiboxDetector(self.keras_backbone(), self.style(), size, classes, settings, name=self.name)
        model(tf.zeros([1, *size, 3]))
        return cast("Model", model)

    def fold(self, model: Model) -> Graph:
        """See `train.graph.multibox.fold`."""
        from train.graph.multibox import fold

        detector = self.detector(model)
        return fold(detector, self.head(detector.size), self.folded_backbone)

    def backbone(self, model: Model) -> Layer:
        """The classification network."""
        return self.detector(model).features.classification_backbone

    def heads(self, model: Model) -> tuple[Layer, ...]:
        """The box heads and the class heads, with their depthwise convolutions where they have any."""
        detector = self.detector(model)
        before = (layer for step in (*detector.box_depthwise, *detector.class_depthwise) for layer in step)
        return (*before, *detector.box_heads, *detector.class_heads)

    def detector(self, model: Model) -> MultiboxDetector:
        """`model` as what `build` made."""
        from train.layers.multibox_detector import MultiboxDetector

        assert isinstance(model, MultiboxDetector)
        return model
