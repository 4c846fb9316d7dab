"""SSD MobileNet v2 FPNLite as a Keras model.

Attributes have the names that the published checkpoints use for their variables
(`_feature_extractor/_fpn_features_generator/...`). So one function reads the published checkpoints and those of a run.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf
import tf_keras

from train.models import anchors
from train.models.anchors import SIZES
from train.models.keras_types import Convolution, Layer, Model
from train.models.layers import BatchNormSettings, conv, relu6, separable
from train.models.mobilenet_v2 import mobilenet_v2

DEPTH = 128
TOWER_LAYERS = 4
# Initial bias of the class head. Training with focal loss starts from a foreground probability of sigmoid(-4.6) = 0.01.
_CLASS_BIAS_START = -4.6


class Detector(Model):
    """The detector without post-processing.

    Called with images float32 [N, size, size, 3], RGB in -1..1, it returns box codes float32 [N, A, 4] and class
    logits float32 [N, A, classes + 1], where column 0 is the background. Anchors are in the order of
    `anchors.anchors(size)`. Raises ValueError for a `size` that is not in `anchors.SIZES`.
    """

    def __init__(self, size: int, classes: int, batch_norm: BatchNormSettings = BatchNormSettings()):
        super().__init__(name="ssd_mobilenet_v2_fpnlite")
        if size not in SIZES:
            raise ValueError(f"size must be one of {SIZES}, not {size}")
        self.size = size
        self.classes = classes
        self._feature_extractor = FeatureExtractor(size, batch_norm)
        self._box_predictor = BoxPredictor(classes, batch_norm)

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
    """Backbone, feature pyramid and coarse levels: from an image to five maps of 128 channels, level 3 first."""

    def __init__(self, size: int, batch_norm: BatchNormSettings):
        super().__init__(name="feature_extractor")
        self.classification_backbone = mobilenet_v2(size, batch_norm)
        self._fpn_features_generator = FeaturePyramid(batch_norm)
        self._coarse_feature_layers = [
            [separable(DEPTH, stride=2, name=f"coarse_{level}"), batch_norm.layer(f"coarse_{level}_norm")]
            for level in (6, 7)
        ]

    def call(self, image: tf.Tensor, training: bool = False) -> tuple[tf.Tensor, ...]:
        """The feature maps of levels 3 to 7."""
        levels = tuple(self._fpn_features_generator(self.classification_backbone(image, training=training), training))
        for convolution, norm in self._coarse_feature_layers:
            levels = (*levels, _conv_norm_relu(convolution, norm, levels[-1], training))
        return levels


class FeaturePyramid(Layer):
    """Feature pyramid: from levels 3, 4 and 5 of the backbone to three maps of 128 channels."""

    def __init__(self, batch_norm: BatchNormSettings):
        super().__init__(name="fpn")
        self.top_layers = [conv(DEPTH, bias=True, name="projection_3")]
        self.residual_blocks = [[conv(DEPTH, bias=True, name=name)] for name in ("projection_2", "projection_1")]
        self.conv_layers = [
            [separable(DEPTH, name=name), batch_norm.layer(f"{name}_norm")] for name in ("smoothing_2", "smoothing_1")
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
    """One tower and two heads, which all levels share. Each level has its own batch norms."""

    def __init__(self, classes: int, batch_norm: BatchNormSettings):
        super().__init__(name="predictor")
        self.classes = classes
        tower = [separable(DEPTH, name=f"tower_{i}") for i in range(TOWER_LAYERS)]
        self._head_scope_conv_layers = {"PredictionTower": tower}
        # The published checkpoints have convolution, batch norm and activation of a level in one list, four times over,
        # so that the batch norms are items 1, 4, 7 and 10.
        self._base_tower_layers_for_heads = {
            "box_encodings": [
                [
                    layer
                    for i in range(TOWER_LAYERS)
                    for layer in (tower[i], batch_norm.layer(f"tower_{i}_level_{level}_norm"), tf_keras.layers.ReLU(6))
                ]
                for level in anchors.LEVELS
            ]
        }
        self._box_prediction_head = Head("_box_encoder_layers", anchors.PER_CELL * 4, 0.0)
        self._prediction_heads = {
            "class_predictions_with_background": Head(
                "_class_predictor_layers", anchors.PER_CELL * (classes + 1), _CLASS_BIAS_START
            )
        }

    def call(
        self, features: Sequence[tf.Tensor], training: bool = False
    ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Box codes [N, cells * 6, 4] and class logits [N, cells * 6, classes + 1] of each level."""
        codes, logits = [], []
        for x, tower in zip(features, self._base_tower_layers_for_heads["box_encodings"]):
            for i in range(TOWER_LAYERS):
                x = _conv_norm_relu(tower[3 * i], tower[3 * i + 1], x, training)
            cells = x.shape[1] * x.shape[2]
            codes.append(tf.reshape(self._box_prediction_head(x), [-1, cells * anchors.PER_CELL, 4]))
            classes = self._prediction_heads["class_predictions_with_background"](x)
            logits.append(tf.reshape(classes, [-1, cells * anchors.PER_CELL, self.classes + 1]))
        return codes, logits


class Head(Layer):
    """A separable convolution without activation, tracked as item 0 of the attribute `published_name`."""

    def __init__(self, published_name: str, filters: int, bias_start: float):
        super().__init__()
        self._published_name = published_name
        setattr(self, published_name, [separable(filters, head=True, bias_start=bias_start)])

    @property
    def convolution(self) -> Convolution:
        """The layer with the variables."""
        layers: list[Convolution] = getattr(self, self._published_name)
        return layers[0]

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """The output map [N, H, W, filters] for a feature map [N, H, W, 128]."""
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
