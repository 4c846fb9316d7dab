"""ShuffleNetV2 1.0x (Ma et al. 2018) with leaky ReLU and without its last convolution, the backbone of NanoDet-Plus-m.

The names of layers are those of the published PyTorch checkpoints.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from train.layers.conv_norm import ConvNorm, chain
from train.layers.keras_types import Layer
from train.layers.layers import BatchNormSettings

STEM = 24
# Output channels and number of blocks of stages 2, 3 and 4, whose strides are 8, 16 and 32.
STAGES = ((116, 4), (232, 8), (464, 4))


class ShuffleNetV2(Layer):
    """From an image float32 [N, H, W, 3] to the maps of strides 8, 16 and 32, with 116, 232 and 464 channels."""

    def __init__(self, key: str, norms: BatchNormSettings):
        super().__init__(name=key)
        self.stem = ConvNorm((f"{key}.conv1.0", f"{key}.conv1.1"), STEM, 3, 2, norms=norms)
        self.stages = []
        for number, (channels, blocks) in enumerate(STAGES, 2):
            keys = [f"{key}.stage{number}.{block}" for block in range(blocks)]
            self.stages.append([Block(name, channels, name is keys[0], norms) for name in keys])

    def call(self, image: tf.Tensor, training: bool = False) -> tuple[tf.Tensor, ...]:
        """The maps of stages 2, 3 and 4."""
        x = max_pool(self.stem(image, training=training))
        maps: tuple[tf.Tensor, ...] = ()
        for stage in self.stages:
            x = chain(stage, x, training)
            maps = (*maps, x)
        return maps


class Block(Layer):
    """A block of `channels` channels. The `first` of a stage halves the map, and takes any number of channels.

    The first one convolves its input on two ways; the others leave the first half of the channels as it is.
    """

    def __init__(self, key: str, channels: int, first: bool, norms: BatchNormSettings):
        super().__init__(name=key.replace(".", "_"))
        half, stride = channels // 2, 2 if first else 1
        self.branch1: Sequence[ConvNorm] = ()
        if first:
            self.branch1 = (
                ConvNorm((f"{key}.branch1.0", f"{key}.branch1.1"), None, 3, stride, norms=norms, activation=False),
                ConvNorm((f"{key}.branch1.2", f"{key}.branch1.3"), half, 1, norms=norms),
            )
        self.branch2 = (
            ConvNorm((f"{key}.branch2.0", f"{key}.branch2.1"), half, 1, norms=norms),
            ConvNorm((f"{key}.branch2.3", f"{key}.branch2.4"), None, 3, stride, norms=norms, activation=False),
            ConvNorm((f"{key}.branch2.5", f"{key}.branch2.6"), half, 1, norms=norms),
        )

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The output map for `x`, its channels shuffled."""
        kept, changed = (x, x) if self.branch1 else tf.split(x, 2, axis=3)
        kept = chain(self.branch1, kept, training)
        return shuffle(kept, chain(self.branch2, changed, training))


def shuffle(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """The channels of two maps [N, H, W, C] in turn: [N, H, W, 2 C]."""
    shape = tf.shape(first)
    channels = 2 * first.shape[3]
    return tf.reshape(tf.stack([first, second], axis=4), [shape[0], shape[1], shape[2], channels])


def max_pool(x: tf.Tensor) -> tf.Tensor:
    """The greatest value of 3x3 cells, at every second cell: [N, H, W, C] to [N, ceil(H/2), ceil(W/2), C].

    Cells beyond the edge don't count. Zeros in their place would win where all values are negative, as leaky ReLU
    leaves them: on COCO that costs 0.9 points of AP.
    """
    lowest = x.dtype.min
    return tf.nn.max_pool2d(tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], constant_values=lowest), 3, 2, "VALID")
