"""MobileNetV2 (Sandler et al. 2018), width 1.0, without its classifier."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf
import tf_keras

from train.geometry.size import InputSize
from train.layers.keras_types import Model
from train.layers.layers import BatchNormSettings, Kernels, conv, depthwise, relu6

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
# The maps for a pyramid: levels 3, 4 and 5. A block stands for its output, "block_13_expand" for what its first
# convolution gives.
PYRAMID_TAPS = ("block_5", "block_12", "last")
# Those of a network without one: block 13 before it halves the sides, and the last convolution.
MULTIBOX_TAPS = ("block_13_expand", "last")


def mobilenet_v2(
    size: InputSize,
    batch_norm: BatchNormSettings,
    taps: Sequence[str] | None = None,
    kernels: Kernels = Kernels(),
) -> Model:
    """The backbone: a model from float32 [N, height, width, 3] in -1..1 to the feature maps `taps`.

    By default these are `PYRAMID_TAPS`, with strides 8, 16 and 32, and 32, 96 and 1280 channels. The layers with weights are in the order of
    the published checkpoints: each convolution is followed by its batch norm. SAME padding gives the same values as the
    explicit padding of the original network at even sides, and needs no PAD operations in the .tflite file.
    """
    image = tf_keras.Input((*size, 3), name="image")

    def normalized(x: tf.Tensor, name: str) -> tf.Tensor:
        return batch_norm.layer(f"{name}_norm")(x)

    x = relu6(normalized(conv(_STEM, 3, 2, name="stem", kernels=kernels)(image), "stem"))
    channels, index = _STEM, 0
    maps: dict[str, tf.Tensor] = {}
    for expansion, filters, blocks, first_stride in _STAGES:
        for block in range(blocks):
            name, stride, skip = f"block_{index}", first_stride if block == 0 else 1, x
            if expansion > 1:
                expand = conv(channels * expansion, name=f"{name}_expand", kernels=kernels)
                x = maps[f"{name}_expand"] = relu6(normalized(expand(x), f"{name}_expand"))
            x = relu6(normalized(depthwise(stride, f"{name}_depthwise", kernels)(x), f"{name}_depthwise"))
            x = normalized(conv(filters, name=f"{name}_project", kernels=kernels)(x), f"{name}_project")
            if stride == 1 and filters == channels:
                x = tf_keras.layers.Add(name=f"{name}_add")([skip, x])
            maps[name] = x
            channels, index = filters, index + 1
    maps["last"] = relu6(normalized(conv(_LAST, name="last", kernels=kernels)(x), "last"))
    model: Model = tf_keras.Model(image, [maps[tap] for tap in taps or PYRAMID_TAPS], name="mobilenet_v2")
    return model
