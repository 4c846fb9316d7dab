"""A detector with a feature pyramid and one predictor for all levels, as a Keras model.

Attributes have the names that the published checkpoints use for their variables
(`_feature_extractor/_fpn_features_generator/...`). So one function reads the published checkpoints and those of a run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import tensorflow as tf
import tf_keras

from train.geometry import pyramid_anchors
from train.geometry.size import InputSize
from train.layers.keras_types import Convolution, Layer, Model
from train.layers.layers import BatchNormSettings, conv, relu6, separable

TOWER_LAYERS = 4
# Initial bias of the class head. Training with focal loss starts from a foreground probability of sigmoid(-4.6) = 0.01.
_CLASS_BIAS_START = -4.6
# Names in the published checkpoints, and of the layers.
_TWO_TOWERS = (("BoxPredictionTower", "box_tower"), ("ClassPredictionTower", "class_tower"))


@dataclass(frozen=True)
class Style:
    """What the published networks differ in.

    `depth` is the number of channels of pyramid and predictor, `separable` whether their convolutions are, else they are
    plain. With `one_tower` both heads share one; else each has its own.
    """

    depth: int
    separable: bool
    one_tower: bool

    def conv(self, filters: int, stride: int = 1, name: str | None = None) -> Convolution:
        """A 3x3 convolution of the pyramid or a tower."""
        return separable(filters, stride, name=name) if self.separable else conv(filters, 3, stride, name=name)

    def head(self, filters: int, bias_start: float) -> Convolution:
        """The convolution of a head."""
        if self.separable:
            return separable(filters, head=True, bias_start=bias_start)
        return conv(filters, 3, bias=True, bias_start=bias_start)


# What builds a backbone: a model from images to the feature maps of levels 3, 4 and 5.
Backbone = Callable[[InputSize, BatchNormSettings], Model]


class PyramidDetector(Model):
    """The detector without post-processing.

    Called with images float32 [N, height, width, 3], RGB in -1..1, it returns box codes float32 [N, A, 4] and class
    logits float32 [N, A, classes + 1], where column 0 is the background. Anchors are in the order of
    `pyramid_anchors(size)`.
    """

    def __init__(
        self,
        backbone: Backbone,
        style: Style,
        size: InputSize,
        classes: int,
        batch_norm: BatchNormSettings = BatchNormSettings(),
        *,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self.size = size
        self.classes = classes
        self._feature_extractor = FeatureExtractor(backbone, style, size, batch_norm)
        self._box_predictor = BoxPredictor(style, classes, batch_norm)

    def call(self, image: tf.Tensor, training: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
        """Box codes and class logits of all levels, see the class."""
        codes, logits = self.by_level(image, training)
        return tf.concat(codes, axis=1), tf.concat(logits, axis=1)

    def by_level(self, image: tf.Tensor, training: bool = False) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Box codes and class logits as two lists with one tensor per level, level 3 first."""
        features = self._feature_extractor(image, training=training)
        codes, logits = self._box_predictor(features, training=training)
        return codes, logits


class FeatureExtractor(Layer):
    """Backbone, feature pyramid and coarse levels: from an image to five maps of `style.depth` channels, level 3 first."""

    def __init__(self, backbone: Backbone, style: Style, size: InputSize, batch_norm: BatchNormSettings):
        super().__init__(name="feature_extractor")
        self.classification_backbone = backbone(size, batch_norm)
        self._fpn_features_generator = FeaturePyramid(style, batch_norm)
        self._coarse_feature_layers = [
            [style.conv(style.depth, 2, f"coarse_{level}"), batch_norm.layer(f"coarse_{level}_norm")]
            for level in (6, 7)
        ]

    def call(self, image: tf.Tensor, training: bool = False) -> tuple[tf.Tensor, ...]:
        """The feature maps of levels 3 to 7."""
        levels = tuple(self._fpn_features_generator(self.classification_backbone(image, training=training), training))
        for convolution, norm in self._coarse_feature_layers:
            levels = (*levels, _conv_norm_relu(convolution, norm, levels[-1], training))
        return levels


class FeaturePyramid(Layer):
    """Feature pyramid: from levels 3, 4 and 5 of the backbone to three maps of `style.depth` channels."""

    def __init__(self, style: Style, batch_norm: BatchNormSettings):
        super().__init__(name="fpn")
        self.top_layers = [conv(style.depth, bias=True, name="projection_3")]
        self.residual_blocks = [[conv(style.depth, bias=True, name=name)] for name in ("projection_2", "projection_1")]
        self.conv_layers = [
            [style.conv(style.depth, name=name), batch_norm.layer(f"{name}_norm")] for name in ("smoothing_2", "smoothing_1")
        ]

    def call(self, features: Sequence[tf.Tensor], training: bool = False) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The maps of levels 3, 4 and 5."""
        c3, c4, c5 = features
        (smoothing_2, norm_2), (smoothing_1, norm_1) = self.conv_layers
        p5 = self.top_layers[0](c5)
        p4 = upsample(p5) + self.residual_blocks[0][0](c4)
        p4 = _conv_norm_relu(smoothing_2, norm_2, p4, training)
        p3 = upsample(p4) + self.residual_blocks[1][0](c3)
        p3 = _conv_norm_relu(smoothing_1, norm_1, p3, training)
        return p3, p4, p5


class BoxPredictor(Layer):
    """Towers of convolutions and two heads, which all levels share. Each level has its own batch norms."""

    def __init__(self, style: Style, classes: int, batch_norm: BatchNormSettings):
        super().__init__(name="predictor")
        self.classes = classes
        towers = {
            name: [style.conv(style.depth, name=f"{prefix}_{i}") for i in range(TOWER_LAYERS)]
            for name, prefix in ((("PredictionTower", "tower"),) if style.one_tower else _TWO_TOWERS)
        }
        self._head_scope_conv_layers = towers
        # The published checkpoints have convolution, batch norm and activation of a level in one list, four times over,
        # so that the batch norms are items 1, 4, 7 and 10.
        self._base_tower_layers_for_heads = {
            head: [
                [
                    layer
                    for convolution in tower
                    for layer in (
                        convolution,
                        batch_norm.layer(f"{convolution.name}_level_{level}_norm"),
                        tf_keras.layers.ReLU(6),
                    )
                ]
                for level in pyramid_anchors.LEVELS
            ]
            for head, tower in zip(("box_encodings", "class_predictions_with_background"), towers.values())
        }
        self._box_prediction_head = Head("_box_encoder_layers", style.head(pyramid_anchors.PER_CELL * 4, 0.0))
        self._prediction_heads = {
            "class_predictions_with_background": Head(
                "_class_predictor_layers", style.head(pyramid_anchors.PER_CELL * (classes + 1), _CLASS_BIAS_START)
            )
        }

    def call(
        self, features: Sequence[tf.Tensor], training: bool = False
    ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Box codes [N, cells * 6, 4] and class logits [N, cells * 6, classes + 1] of each level."""
        class_head = self._prediction_heads["class_predictions_with_background"]
        codes, logits = [], []
        for x, towers in zip(features, self.towers()):
            tops = []
            for tower in towers:
                top = x
                for i in range(0, len(tower), 3):
                    top = _conv_norm_relu(tower[i], tower[i + 1], top, training)
                tops.append(top)
            cells = x.shape[1] * x.shape[2]
            codes.append(tf.reshape(self._box_prediction_head(tops[0]), [-1, cells * pyramid_anchors.PER_CELL, 4]))
            classes = class_head(tops[-1])
            logits.append(tf.reshape(classes, [-1, cells * pyramid_anchors.PER_CELL, self.classes + 1]))
        return codes, logits

    def towers(self) -> list[tuple[list[Layer], ...]]:
        """For each level, finest first, its towers: that of boxes and that of classes, or the one of both."""
        return list(zip(*self._base_tower_layers_for_heads.values()))


class Head(Layer):
    """A convolution without activation, tracked as item 0 of the attribute `published_name`."""

    def __init__(self, published_name: str, convolution: Convolution):
        super().__init__()
        self._published_name = published_name
        setattr(self, published_name, [convolution])

    @property
    def convolution(self) -> Convolution:
        """The layer with the variables."""
        layers: list[Convolution] = getattr(self, self._published_name)
        return layers[0]

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """The output map [N, H, W, filters] for a feature map [N, H, W, depth]."""
        return self.convolution(x)


def upsample(x: tf.Tensor) -> tf.Tensor:
    """Nearest-neighbour upsampling of [N, H, W, C] by 2, as one 4-D operation.

    The Edge TPU supports neither tensors of rank 5 (as pack and reshape need) nor half-pixel centres. At a factor of
    exactly 2, sampling with and without half-pixel centres gives the same values.
    """
    sides = [2 * x.shape[1], 2 * x.shape[2]]
    return tf.raw_ops.ResizeNearestNeighbor(images=x, size=sides, align_corners=False, half_pixel_centers=False)


def _conv_norm_relu(convolution: Layer, norm: Layer, x: tf.Tensor, training: bool) -> tf.Tensor:
    return relu6(norm(convolution(x), training=training))
