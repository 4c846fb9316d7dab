"""SSD MobileNet v2 FPNLite as a Keras model.

Attributes carry the names under which the published checkpoints keep their variables
(`_feature_extractor/_fpn_features_generator/...`), so that a published checkpoint, a run's own and
any other file of this network are read by the same code.
"""

from __future__ import annotations

import tensorflow as tf
import tf_keras

from train.models import anchors
from train.models.anchors import SIZES
from train.models.layers import Normalisation, conv, relu6, separable
from train.models.mobilenet_v2 import mobilenet_v2

DEPTH = 128
TOWER_LAYERS = 4
# Focal loss starts from a rare foreground: sigmoid(-4.6) is 0.01.
_CLASS_BIAS_START = -4.6


class Detector(tf_keras.Model):
    """The detector without its post-processing.

    Called with float32 [N, size, size, 3], RGB in -1..1, it returns a pair: box codes
    float32 [N, A, 4] and class logits float32 [N, A, classes + 1], column 0 background, with the
    anchors in the order of `anchors.anchors(size)`.
    """

    def __init__(self, size: int, classes: int, normalisation: Normalisation = Normalisation()):
        super().__init__(name="ssd_mobilenet_v2_fpnlite")
        if size not in SIZES:
            raise ValueError(f"size must be one of {SIZES}, not {size}")
        self.size = size
        self.classes = classes
        self._feature_extractor = FeatureExtractor(size, normalisation)
        self._box_predictor = BoxPredictor(classes, normalisation)

    def call(self, image, training=False):
        codes, logits = self.by_level(image, training)
        return tf.concat(codes, axis=1), tf.concat(logits, axis=1)

    def by_level(self, image, training=False):
        """As the call, but two lists with one tensor a level, level 3 first."""
        features = self._feature_extractor(image, training=training)
        return self._box_predictor(features, training=training)


class FeatureExtractor(tf_keras.layers.Layer):
    """Backbone, pyramid and coarse levels: an image to five maps of 128 channels, level 3 first."""

    def __init__(self, size: int, normalisation: Normalisation):
        super().__init__(name="feature_extractor")
        self.classification_backbone = mobilenet_v2(size, normalisation)
        self._fpn_features_generator = FeaturePyramid(normalisation)
        self._coarse_feature_layers = [
            [separable(DEPTH, stride=2, name=f"coarse_{level}"), normalisation.layer(f"coarse_{level}_norm")]
            for level in (6, 7)
        ]

    def call(self, image, training=False):
        levels = self._fpn_features_generator(self.classification_backbone(image, training=training), training)
        for layers in self._coarse_feature_layers:
            levels = (*levels, _conv_norm_relu(*layers, levels[-1], training))
        return levels


class FeaturePyramid(tf_keras.layers.Layer):
    """Levels 3, 4 and 5 of the backbone to three maps of 128 channels."""

    def __init__(self, normalisation: Normalisation):
        super().__init__(name="fpn")
        self.top_layers = [conv(DEPTH, bias=True, name="projection_3")]
        self.residual_blocks = [[conv(DEPTH, bias=True, name=name)] for name in ("projection_2", "projection_1")]
        self.conv_layers = [
            [separable(DEPTH, name=name), normalisation.layer(f"{name}_norm")] for name in ("smoothing_2", "smoothing_1")
        ]

    def call(self, features, training=False):
        c3, c4, c5 = features
        p5 = self.top_layers[0](c5)
        p4 = upsample(p5) + self.residual_blocks[0][0](c4)
        p4 = _conv_norm_relu(*self.conv_layers[0], p4, training)
        p3 = upsample(p4) + self.residual_blocks[1][0](c3)
        p3 = _conv_norm_relu(*self.conv_layers[1], p3, training)
        return p3, p4, p5


class BoxPredictor(tf_keras.layers.Layer):
    """One tower and two heads, shared over the levels; each level has batch norms of its own."""

    def __init__(self, classes: int, normalisation: Normalisation):
        super().__init__(name="predictor")
        self.classes = classes
        tower = [separable(DEPTH, name=f"tower_{i}") for i in range(TOWER_LAYERS)]
        self._head_scope_conv_layers = {"PredictionTower": tower}
        # The published order of a level's layers is convolution, batch norm, activation, four times
        # over; the batch norms are items 1, 4, 7 and 10 there.
        self._base_tower_layers_for_heads = {
            "box_encodings": [
                [
                    layer
                    for i in range(TOWER_LAYERS)
                    for layer in (tower[i], normalisation.layer(f"tower_{i}_level_{level}_norm"), tf_keras.layers.ReLU(6))
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

    def call(self, features, training=False):
        codes, logits = [], []
        for x, tower in zip(features, self._base_tower_layers_for_heads["box_encodings"]):
            for i in range(TOWER_LAYERS):
                x = _conv_norm_relu(tower[3 * i], tower[3 * i + 1], x, training)
            cells = x.shape[1] * x.shape[2]
            codes.append(tf.reshape(self._box_prediction_head(x), [-1, cells * anchors.PER_CELL, 4]))
            classes = self._prediction_heads["class_predictions_with_background"](x)
            logits.append(tf.reshape(classes, [-1, cells * anchors.PER_CELL, self.classes + 1]))
        return codes, logits


class Head(tf_keras.layers.Layer):
    """A linear separable convolution, tracked as item 0 of the attribute `published_name`."""

    def __init__(self, published_name: str, filters: int, bias_start: float):
        super().__init__()
        self._published_name = published_name
        setattr(self, published_name, [separable(filters, head=True, bias_start=bias_start)])

    def call(self, x):
        return getattr(self, self._published_name)[0](x)


def upsample(x: tf.Tensor) -> tf.Tensor:
    """Nearest x2 of [N, H, W, C] as one 4-D operation.

    The Edge TPU refuses rank 5 (pack and reshape) and the operation's version with half-pixel
    centres; at exactly x2 both give the same values.
    """
    sides = [2 * x.shape[1], 2 * x.shape[2]]
    return tf.raw_ops.ResizeNearestNeighbor(images=x, size=sides, align_corners=False, half_pixel_centers=False)


def _conv_norm_relu(convolution, normalisation, x: tf.Tensor, training: bool) -> tf.Tensor:
    return relu6(normalisation(convolution(x), training=training))
