"""SSD (Liu et al. 2016): six maps of falling size, with a box head and a class head of its own on each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import tensorflow as tf

from train.geometry.size import InputSize
from train.geometry.ssd_anchors import shapes_per_cell
from train.layers.keras_types import Convolution, Layer, Model
from train.layers.layers import BatchNorm, BatchNormSettings, Kernels, conv, depthwise, relu6

# Channels of the four further maps, and of the 1x1 convolution before each.
EXTRAS = ((256, 512), (128, 256), (128, 256), (64, 128))


@dataclass(frozen=True)
class Style:
    """What the published networks differ in.

    `separable` extras have a depthwise and a 1x1 convolution in place of a plain 3x3. `head_kernel` is the side of the
    heads' kernels; with `lite`, each has a depthwise 3x3 before it, with batch norm and ReLU6 (Sandler et al. 2018, section
    6.2). `bias_start` is the initial bias of the class heads. The kernels are those of the three parts.
    """

    separable: bool
    head_kernel: int
    bias_start: float
    backbone: Kernels
    extras: Kernels
    heads: Kernels
    lite: bool = False


# What builds the backbone for a size: a model from images to the two finest maps.
Backbone = Callable[[InputSize, BatchNormSettings, Kernels], Model]
# A convolution and its batch norm.
Normalized = tuple[Convolution, BatchNorm]


class MultiboxDetector(Model):
    """The detector without post-processing.

    Called with images float32 [N, height, width, 3], RGB in -1..1, it returns box codes float32 [N, A, 4] and class
    logits float32 [N, A, classes + 1], where column 0 is the background, in the order of `ssd_anchors(size)`.
    """

    def __init__(
        self,
        backbone: Backbone,
        style: Style,
        size: InputSize,
        classes: int,
        batch_norm: BatchNormSettings,
        *,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self.size, self.classes = size, classes
        self.features = MultiboxFeatures(backbone, style, size, batch_norm)
        maps = 2 + len(EXTRAS)
        heads = style.head_kernel, style.heads
        self.box_heads = [_head(4 * shapes_per_cell(i), *heads, 0.0, f"boxes_{i}") for i in range(maps)]
        self.class_heads = [
            _head((classes + 1) * shapes_per_cell(i), *heads, style.bias_start, f"classes_{i}") for i in range(maps)
        ]
        # One for each head, or none.
        lite = maps if style.lite else 0
        self.box_depthwise = [_depthwise(style.heads, batch_norm, f"boxes_{i}_depthwise") for i in range(lite)]
        self.class_depthwise = [_depthwise(style.heads, batch_norm, f"classes_{i}_depthwise") for i in range(lite)]

    def call(self, image: tf.Tensor, training: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
        """Box codes and class logits of all maps, see the class."""
        maps = self.features(image, training=training)
        boxes = _normalized(maps, self.box_depthwise, training)
        classes = _normalized(maps, self.class_depthwise, training)
        codes = [_by_anchor(head(x), 4) for head, x in zip(self.box_heads, boxes)]
        logits = [_by_anchor(head(x), self.classes + 1) for head, x in zip(self.class_heads, classes)]
        return tf.concat(codes, axis=1), tf.concat(logits, axis=1)


class MultiboxFeatures(Layer):
    """From an image to six maps, the finest first."""

    def __init__(self, backbone: Backbone, style: Style, size: InputSize, batch_norm: BatchNormSettings):
        super().__init__(name="feature_extractor")
        self.classification_backbone = backbone(size, batch_norm, style.backbone)
        self.extras = [
            Extra(narrow, wide, style, batch_norm, f"extra_{number}") for number, (narrow, wide) in enumerate(EXTRAS, 2)
        ]

    def call(self, image: tf.Tensor, training: bool = False) -> list[tf.Tensor]:
        """The maps."""
        maps = list(self.classification_backbone(image, training=training))
        for extra in self.extras:
            maps.append(extra(maps[-1], training=training))
        return maps


class Extra(Layer):
    """A map of half the sides: a 1x1 convolution and one of stride 2, each with batch norm and ReLU6."""

    def __init__(self, narrow: int, wide: int, style: Style, batch_norm: BatchNormSettings, name: str):
        super().__init__(name=name)
        kernels = style.extras
        strided = (
            [depthwise(2, f"{name}_depthwise", kernels), conv(wide, name=f"{name}_wide", kernels=kernels)]
            if style.separable
            else [conv(wide, 3, 2, name=f"{name}_wide", kernels=kernels)]
        )
        self.steps: list[Normalized] = [
            (convolution, batch_norm.layer(f"{convolution.name}_norm"))
            for convolution in (conv(narrow, name=f"{name}_narrow", kernels=kernels), *strided)
        ]

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The map [N, ceil(H / 2), ceil(W / 2), wide] for `x` [N, H, W, C]."""
        for convolution, norm in self.steps:
            x = relu6(norm(convolution(x), training=training))
        return x


def _head(filters: int, kernel: int, kernels: Kernels, bias_start: float, name: str) -> Convolution:
    return conv(filters, kernel, bias=True, name=name, kernels=kernels, bias_start=bias_start)


def _depthwise(kernels: Kernels, batch_norm: BatchNormSettings, name: str) -> Normalized:
    return depthwise(1, name, kernels), batch_norm.layer(f"{name}_norm")


def _normalized(maps: Sequence[tf.Tensor], steps: Sequence[Normalized], training: bool) -> Sequence[tf.Tensor]:
    """`maps` after the depthwise convolution of each, if there are any."""
    if not steps:
        return maps
    return [relu6(norm(convolution(x), training=training)) for x, (convolution, norm) in zip(maps, steps)]


def _by_anchor(x: tf.Tensor, columns: int) -> tf.Tensor:
    """Reshapes a head's map [N, H, W, B * columns] to [N, H * W * B, columns]."""
    return tf.reshape(x, [-1, x.shape[1] * x.shape[2] * x.shape[3] // columns, columns])

