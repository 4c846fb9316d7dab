"""The head of NanoDet-Plus: for each level two separable convolutions, and one convolution for classes and boxes.

The names of layers are those of the published PyTorch checkpoints.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf
import tf_keras

from train.layers.conv_norm import Separable, chain
from train.layers.ghost_pan import CHANNELS
from train.layers.keras_types import Convolution, Layer
from train.layers.layers import BatchNormSettings

# Strides of the levels.
STRIDES = (8, 16, 32, 64)
# Bins of each of the distances left, top, right and bottom.
BINS = 8
# Training starts from a score of 0.01 everywhere. A constant doesn't matter to the softmax over bins.
_BIAS_START = -4.595
_KERNEL = 5
_LAYERS = 2


class NanoDetHead(Layer):
    """From the neck's four maps to what each cell says: logits of `classes`, and four times 8 logits of distances."""

    def __init__(self, key: str, classes: int, norms: BatchNormSettings):
        super().__init__(name=key)
        self.towers = [
            [Separable(f"{key}.cls_convs.{level}.{i}", CHANNELS, _KERNEL, norms=norms) for i in range(_LAYERS)]
            for level in range(len(STRIDES))
        ]
        # Published as one convolution; the columns for classes come first.
        self.class_outputs = [last(classes, 1) for _ in STRIDES]
        self.box_outputs = [last(4 * BINS, 1) for _ in STRIDES]

    def call(self, maps: Sequence[tf.Tensor], training: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
        """Codes [N, cells of all levels, 32] and class logits [N, cells of all levels, classes]: see `by_cell`."""
        features = [chain(tower, x, training) for tower, x in zip(self.towers, maps)]
        codes = [by_cell(layer(x)) for layer, x in zip(self.box_outputs, features)]
        logits = [by_cell(layer(x)) for layer, x in zip(self.class_outputs, features)]
        return tf.concat(codes, axis=1), tf.concat(logits, axis=1)


def last(filters: int, kernel: int) -> Convolution:
    """The convolution that a head ends with: with a bias, and without batch norm."""
    layer: Convolution = tf_keras.layers.Conv2D(
        filters,
        kernel,
        padding="same",
        kernel_initializer=tf_keras.initializers.RandomNormal(stddev=0.01),
        bias_initializer=tf_keras.initializers.Constant(_BIAS_START),
    )
    return layer


def by_cell(x: tf.Tensor) -> tf.Tensor:
    """Reshapes a map [N, H, W, C] to [N, H * W, C], row by row."""
    return tf.reshape(x, [-1, x.shape[1] * x.shape[2], x.shape[3]])
