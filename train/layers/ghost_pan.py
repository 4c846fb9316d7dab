"""GhostPAN, the neck of NanoDet-Plus: a path aggregation network (Liu et al. 2018) of ghost blocks (Han et al. 2020).

The names of layers are those of the published PyTorch checkpoints.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from train.layers.conv_norm import ConvNorm, Separable, chain
from train.layers.keras_types import Layer
from train.layers.layers import BatchNormSettings

CHANNELS = 96
# Depthwise kernel of what changes the resolution.
_KERNEL = 5


class GhostPan(Layer):
    """From the backbone's three maps, strides 8, 16 and 32, to four maps of 96 channels, the last of stride 64."""

    def __init__(self, key: str, norms: BatchNormSettings):
        super().__init__(name=key)
        self.reduce = [
            ConvNorm((f"{key}.reduce_layers.{i}.conv", f"{key}.reduce_layers.{i}.bn"), CHANNELS, 1, norms=norms)
            for i in range(3)
        ]
        self.top_down = [GhostBlock(f"{key}.top_down_blocks.{i}.blocks.0", norms) for i in range(2)]
        self.downsamples = [Separable(f"{key}.downsamples.{i}", CHANNELS, _KERNEL, 2, norms=norms) for i in range(2)]
        self.bottom_up = [GhostBlock(f"{key}.bottom_up_blocks.{i}.blocks.0", norms) for i in range(2)]
        self.extra_in = Separable(f"{key}.extra_lvl_in_conv.0", CHANNELS, _KERNEL, 2, norms=norms)
        self.extra_out = Separable(f"{key}.extra_lvl_out_conv.0", CHANNELS, _KERNEL, 2, norms=norms)

    def call(self, maps: Sequence[tf.Tensor], training: bool = False) -> tuple[tf.Tensor, ...]:
        """The four maps of strides 8, 16, 32 and 64."""
        reduced = [layer(x, training=training) for layer, x in zip(self.reduce, maps)]
        inner = [reduced[-1]]
        for block, lateral in zip(self.top_down, reversed(reduced[:-1])):
            inner.insert(0, block(tf.concat([upsample(inner[0]), lateral], axis=3), training=training))
        outer = [inner[0]]
        for down, block, lateral in zip(self.downsamples, self.bottom_up, inner[1:]):
            outer.append(block(tf.concat([down(outer[-1], training=training), lateral], axis=3), training=training))
        last = self.extra_in(reduced[-1], training=training) + self.extra_out(outer[-1], training=training)
        return (*outer, last)


class GhostBlock(Layer):
    """From 192 to 96 channels: two ghost modules beside a separable convolution, their sum without activation."""

    def __init__(self, key: str, norms: BatchNormSettings):
        super().__init__(name=key.replace(".", "_"))
        half = CHANNELS // 2

        def ghost(name: str, activation: bool) -> tuple[ConvNorm, ConvNorm]:
            primary, cheap = f"{key}.{name}.primary_conv", f"{key}.{name}.cheap_operation"
            return (
                ConvNorm((f"{primary}.0", f"{primary}.1"), half, 1, norms=norms, activation=activation),
                ConvNorm((f"{cheap}.0", f"{cheap}.1"), None, 3, norms=norms, activation=activation),
            )

        self.ghost1 = ghost("ghost1", True)
        self.ghost2 = ghost("ghost2", False)
        names = f"{key}.shortcut"
        self.shortcut = (
            ConvNorm((f"{names}.0", f"{names}.1"), None, _KERNEL, norms=norms, activation=False),
            ConvNorm((f"{names}.2", f"{names}.3"), CHANNELS, 1, norms=norms, activation=False),
        )

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The output map for `x`."""
        main = x
        for primary, cheap in (self.ghost1, self.ghost2):
            half = primary(main, training=training)
            main = tf.concat([half, cheap(half, training=training)], axis=3)
        return main + chain(self.shortcut, x, training)


def upsample(x: tf.Tensor) -> tf.Tensor:
    """Bilinear upsampling of [N, H, W, C] by 2 with half-pixel centres."""
    height, width = x.shape[1:3]
    return tf.image.resize(x, [2 * height, 2 * width], "bilinear")
