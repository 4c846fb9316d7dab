"""The assign guidance module of NanoDet-Plus: a second neck and a larger head that exist in training only.

The predictions of this head decide which cells are to find which box, for both heads: early in training, those of the
small head would choose badly. The names of layers are those of the published PyTorch checkpoints.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf
import tf_keras

from train.layers.conv_norm import leaky_relu
from train.layers.ghost_pan import CHANNELS
from train.layers.keras_types import Convolution, Layer
from train.layers.nanodet_head import BINS, STRIDES, by_cell, last

_LAYERS = 4
_GROUPS = 32


class GuidanceHead(Layer):
    """One head for all levels, of the maps of both necks."""

    def __init__(self, key: str, classes: int):
        super().__init__(name=key)
        self.class_tower = [ConvGroupNorm(f"{key}.cls_convs.{i}", 2 * CHANNELS) for i in range(_LAYERS)]
        self.box_tower = [ConvGroupNorm(f"{key}.reg_convs.{i}", 2 * CHANNELS) for i in range(_LAYERS)]
        self.class_output = last(classes, 3)
        self.box_output = last(4 * BINS, 3)
        self.scales = [self.add_weight(f"scale_{level}", (), initializer="ones") for level in range(len(STRIDES))]

    def call(self, maps: Sequence[tuple[tf.Tensor, tf.Tensor]]) -> tuple[tf.Tensor, tf.Tensor]:
        """Codes and class logits as from `NanoDetHead`, for the two maps of each level."""
        codes, logits = [], []
        for pair, scale in zip(maps, self.scales):
            x = boxes = tf.concat(pair, axis=3)
            for layer, other in zip(self.class_tower, self.box_tower):
                x, boxes = layer(x), other(boxes)
            codes.append(by_cell(self.box_output(boxes) * scale))
            logits.append(by_cell(self.class_output(x)))
        return tf.concat(codes, axis=1), tf.concat(logits, axis=1)


class ConvGroupNorm(Layer):
    """A 3x3 convolution without bias, group norm (Wu and He 2018) and leaky ReLU."""

    def __init__(self, key: str, filters: int):
        super().__init__(name=key.replace(".", "_"))
        self.key = key
        self.convolution: Convolution = tf_keras.layers.Conv2D(
            filters,
            3,
            padding="same",
            use_bias=False,
            kernel_initializer=tf_keras.initializers.RandomNormal(stddev=0.01),
        )
        self.norm = tf_keras.layers.GroupNormalization(_GROUPS, epsilon=1e-5)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """The output map for `x`."""
        return leaky_relu(self.norm(self.convolution(x)))
