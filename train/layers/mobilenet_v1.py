"""MobileNet (Howard et al. 2017), width 1.0, without its classifier."""

from __future__ import annotations

import tensorflow as tf
import tf_keras

from train.geometry.size import InputSize
from train.layers.keras_types import Model
from train.layers.layers import BatchNormSettings, conv, depthwise, relu6

_STEM = 32
# Stride of the depthwise convolution and output channels of each block, from 1 (Howard et al. 2017, table 1).
_BLOCKS = (
    (1, 64),
    (2, 128),
    (1, 128),
    (2, 256),
    (1, 256),
    (2, 512),
    *[(1, 512)] * 5,
    (2, 1024),
    (1, 1024),
)
# The maps for a pyramid: levels 3, 4 and 5.
PYRAMID_TAPS = ("block_5", "block_11", "block_13")


def mobilenet_v1(size: InputSize, batch_norm: BatchNormSettings) -> Model:
    """The backbone: a model from float32 [N, height, width, 3] in -1..1 to the feature maps of levels 3, 4 and 5.

    The outputs have strides 8, 16 and 32, and 256, 512 and 1024 channels. A batch norm and ReLU6 follow each convolution.
    The layers with weights are in the order of the published checkpoints: each convolution is followed by its batch norm.
    """
    image = tf_keras.Input((*size, 3), name="image")

    def activated(x: tf.Tensor, name: str) -> tf.Tensor:
        return relu6(batch_norm.layer(f"{name}_norm")(x))

    x = activated(conv(_STEM, 3, 2, name="stem")(image), "stem")
    maps: dict[str, tf.Tensor] = {}
    for index, (stride, filters) in enumerate(_BLOCKS, 1):
        name = f"block_{index}"
        x = activated(depthwise(stride, f"{name}_depthwise")(x), f"{name}_depthwise")
        x = maps[name] = activated(conv(filters, name=f"{name}_pointwise")(x), f"{name}_pointwise")
    model: Model = tf_keras.Model(image, [maps[tap] for tap in PYRAMID_TAPS], name="mobilenet_v1")
    return model
