"""MobileDet for Edge TPUs (Xiong et al. 2021), without a classifier."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf
import tf_keras

from train.geometry.size import InputSize
from train.layers.keras_types import Convolution, Model
from train.layers.layers import BatchNormSettings, Kernels, conv, depthwise, relu6

_STEM = 32
# That of its batch norms, which is ten times that of other networks.
_EPSILON = 0.01


class _Block(NamedTuple):
    """`kind` is "ibn" (1x1, depthwise, 1x1), "fused" (a whole convolution, 1x1) or "tucker" (1x1, whole, 1x1)."""

    kind: str
    filters: int
    expansion: int = 0
    kernel: int = 3
    stride: int = 1
    residual: bool = True


# The Object Detection API's `_mobiledet_edgetpu_backbone` (models/ssd_mobiledet_feature_extractor.py).
_BLOCKS = (
    _Block("tucker", 16, residual=False),
    _Block("fused", 16, 8, stride=2, residual=False),
    _Block("fused", 16, 4),
    _Block("fused", 16, 8),
    _Block("fused", 16, 4),
    _Block("fused", 40, 8, 5, 2, residual=False),
    *[_Block("fused", 40, 4)] * 3,
    _Block("ibn", 72, 8, stride=2, residual=False),
    _Block("ibn", 72, 8),
    _Block("fused", 72, 4),
    _Block("fused", 72, 4),
    _Block("ibn", 96, 8, 5, residual=False),
    _Block("ibn", 96, 8, 5),
    *[_Block("ibn", 96, 8)] * 2,
    _Block("ibn", 120, 8, 5, 2, residual=False),
    _Block("ibn", 120, 8),
    _Block("ibn", 120, 4, 5),
    _Block("ibn", 120, 8),
    _Block("ibn", 384, 8, 5, residual=False),
)
# The maps of strides 16 and 32: the outputs of blocks, which are linear.
MULTIBOX_TAPS = ("ibn_5", "ibn_10")


def mobiledet_edgetpu(size: InputSize, batch_norm: BatchNormSettings, kernels: Kernels = Kernels(None)) -> Model:
    """The backbone: a model from float32 [N, height, width, 3] in -1..1 to the maps `MULTIBOX_TAPS`, 96 and 384 channels.

    Blocks are called `ibn_0`, `ibn_1`, ..., `fused_0`, ..., `tucker_0`, and their convolutions by what they do:
    `ibn_3_expand`, `ibn_3_depthwise`, `ibn_3_project`.
    """
    image = tf_keras.Input((*size, 3), name="image")

    def after(x: tf.Tensor, layer: Convolution, linear: bool = False) -> tf.Tensor:
        """`x` after the convolution `layer`, its batch norm and, unless it is `linear`, ReLU6."""
        x = batch_norm.layer(f"{layer.name}_norm", _EPSILON)(layer(x))
        return x if linear else relu6(x)

    x = after(image, conv(_STEM, 3, 2, name="stem", kernels=kernels))
    channels = _STEM
    maps: dict[str, tf.Tensor] = {}
    numbers = dict.fromkeys(("ibn", "fused", "tucker"), 0)
    for block in _BLOCKS:
        name, skip, wide = f"{block.kind}_{numbers[block.kind]}", x, channels * block.expansion
        if block.kind == "tucker":
            x = after(x, conv(_eighths(channels * 0.25), name=f"{name}_narrow", kernels=kernels))
            middle = conv(_eighths(block.filters * 0.75), 3, block.stride, name=f"{name}_middle", kernels=kernels)
            x = after(x, middle)
        elif block.kind == "fused":
            x = after(x, conv(wide, block.kernel, block.stride, name=f"{name}_expand", kernels=kernels))
        else:
            x = after(x, conv(wide, name=f"{name}_expand", kernels=kernels))
            x = after(x, depthwise(block.stride, f"{name}_depthwise", kernels, block.kernel))
        x = after(x, conv(block.filters, name=f"{name}_project", kernels=kernels), linear=True)
        if block.residual:
            x = tf_keras.layers.Add(name=f"{name}_add")([skip, x])
        maps[name] = x
        channels = block.filters
        numbers[block.kind] += 1
    model: Model = tf_keras.Model(image, [maps[tap] for tap in MULTIBOX_TAPS], name="mobiledet_edgetpu")
    return model


def _eighths(channels: float) -> int:
    """The multiple of 8 that is nearest to `channels`, at least 8."""
    return max(8, int(channels + 4) // 8 * 8)
