"""MobileNetV2 (Sandler et al. 2018), width 1.0, without its classifier."""

from __future__ import annotations

import tensorflow as tf
import tf_keras

from train.models.keras_types import Model
from train.models.layers import BatchNormSettings, conv, depthwise, relu6

# Expansion, output channels, blocks, stride of the first block (Sandler et al. 2018, table 2).
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
_STEM = 32
_LAST = 1280
# Blocks whose outputs are levels 3 and 4; level 5 is the last convolution.
LEVEL_BLOCKS = (5, 12)


def mobilenet_v2(size: int, batch_norm: BatchNormSettings) -> Model:
    """The backbone: a model from float32 [N, size, size, 3] in -1..1 to the feature maps of levels 3, 4 and 5.

    The outputs have strides 8, 16 and 32, and 32, 96 and 1280 channels. The layers with weights are in the order of
    the published checkpoints: each convolution is followed by its batch norm. SAME padding gives the same values as the
    explicit padding of the original network at even sides, and needs no PAD operations in the .tflite file.
    """
    image = tf_keras.Input((size, size, 3), name="image")

    def normalized(x: tf.Tensor, name: str) -> tf.Tensor:
        return batch_norm.layer(f"{name}_norm")(x)

    x = relu6(normalized(conv(_STEM, 3, 2, name="stem")(image), "stem"))
    channels, index, levels = _STEM, 0, []
    for expansion, filters, blocks, first_stride in _STAGES:
        for block in range(blocks):
            name, stride, skip = f"block_{index}", first_stride if block == 0 else 1, x
            if expansion > 1:
                x = relu6(normalized(conv(channels * expansion, name=f"{name}_expand")(x), f"{name}_expand"))
            x = relu6(normalized(depthwise(stride, name=f"{name}_depthwise")(x), f"{name}_depthwise"))
            x = normalized(conv(filters, name=f"{name}_project")(x), f"{name}_project")
            if stride == 1 and filters == channels:
                x = tf_keras.layers.Add(name=f"{name}_add")([skip, x])
            if index in LEVEL_BLOCKS:
                levels.append(x)
            channels, index = filters, index + 1
    levels.append(relu6(normalized(conv(_LAST, name="last")(x), "last")))
    model: Model = tf_keras.Model(image, levels, name="mobilenet_v2")
    return model
