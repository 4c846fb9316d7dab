"""NanoDet-Plus-m as a Keras model."""

from __future__ import annotations

import tensorflow as tf

from train.geometry.normalization import Normalization
from train.layers.assign_guidance import GuidanceHead
from train.layers.conv_norm import ConvNorm, units
from train.layers.ghost_pan import GhostPan
from train.layers.keras_types import Model
from train.layers.layers import BatchNormSettings
from train.layers.nanodet_head import NanoDetHead
from train.layers.shufflenet_v2 import ShuffleNetV2


class NanoDet(Model):
    """The detector without post-processing.

    Called with images float32 [N, H, W, 3], RGB in -1..1, whose sides are multiples of 32, it returns codes float32
    [N, A, 32] (see `train.targets.distribution`) and class logits [N, A, classes]. In training it returns those of the
    assign guidance module behind them, if it is `guided`. `normalization` is what the published weights were trained on.
    """

    def __init__(self, classes: int, normalization: Normalization, norms: BatchNormSettings, name: str):
        super().__init__(name=name)
        self.classes = classes
        self.guided = True
        # From -1..1 to what the first convolution takes.
        self.scale, self.offset = 1 / normalization.scale, -normalization.offset / normalization.scale
        self.backbone = ShuffleNetV2("backbone", norms)
        self.fpn = GhostPan("fpn", norms)
        self.head = NanoDetHead("head", classes, norms)
        self.aux_fpn = GhostPan("aux_fpn", norms)
        self.aux_head = GuidanceHead("aux_head", classes)

    def call(self, image: tf.Tensor, training: bool = False) -> tuple[tf.Tensor, ...]:
        """Codes and class logits, see the class."""
        maps = self.backbone(image * self.scale + self.offset, training=training)
        levels = self.fpn(maps, training=training)
        codes, logits = self.head(levels, training=training)
        if not (training and self.guided):
            return codes, logits
        # The module learns from the maps, but does not change them: it is there to assign.
        beside = self.aux_fpn([tf.stop_gradient(x) for x in maps], training=training)
        guiding = self.aux_head([(tf.stop_gradient(x), other) for x, other in zip(levels, beside)])
        return codes, logits, *guiding

    @property
    def units(self) -> list[ConvNorm]:
        """The convolutions with batch norms that the network has in use, without the guidance module's."""
        return [unit for part in (self.backbone, self.fpn, self.head) for unit in units(part)]
