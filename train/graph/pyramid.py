"""Folding of detectors with a feature pyramid."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from train.geometry.head import Head
from train.geometry.pyramid_anchors import LEVELS, PER_CELL
from train.graph.builder import Builder, pair
from train.graph.graph import Graph, Node
from train.layers.keras_types import BatchNormalization, Convolution, Model
from train.layers.pyramid_detector import PyramidDetector


def fold(model: PyramidDetector, head: Head, backbone: Callable[[Model, Builder], Sequence[str]]) -> Graph:
    """The graph of `model` in inference mode, whose first nodes are added by `backbone`.

    Kernels and biases are computed from the model's variables by TensorFlow operations, so that gradients reach the
    variables. Nodes have names such as `stem`, `block_3_expand`, `block_3_add`, `projection_2`,
    `smoothing_1_depthwise`, `tower_0_level_3_pointwise`, `boxes_level_3_pointwise`, ...
    """
    builder = Builder()
    c3, c4, c5 = backbone(model._feature_extractor.classification_backbone, builder)
    features = _pyramid(model, builder, c3, c4, c5)
    for level, layers in zip((6, 7), model._feature_extractor._coarse_feature_layers):
        convolution, norm = pair(layers)
        features.append(_conv(builder, f"coarse_{level}", features[-1], convolution, norm))
    box_heads, class_heads = _predictor(model, builder, features)
    return Graph(tuple(builder.nodes), box_heads, class_heads, head, model.classes)


def _pyramid(model: PyramidDetector, builder: Builder, c3: str, c4: str, c5: str) -> list[str]:
    pyramid = model._feature_extractor._fpn_features_generator
    features = [builder.conv("projection_3", c5, pyramid.top_layers[0])]
    for number, source, (lateral,), layers in zip((2, 1), (c4, c3), pyramid.residual_blocks, pyramid.conv_layers):
        up = builder.add(Node(f"upsample_{number}", "upsample", (features[0],)))
        side = builder.conv(f"projection_{number}", source, lateral)
        total = builder.add(Node(f"sum_{number}", "add", (up, side)))
        features.insert(0, _conv(builder, f"smoothing_{number}", total, *pair(layers)))
    return features


def _predictor(model: PyramidDetector, builder: Builder, features: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    predictor = model._box_predictor
    box_layer = predictor._box_prediction_head.convolution
    class_layer = predictor._prediction_heads["class_predictions_with_background"].convolution
    foreground = tf.constant(
        [anchor * (model.classes + 1) + column for anchor in range(PER_CELL) for column in range(1, model.classes + 1)]
    )
    box_heads, class_heads = [], []
    for level, x, towers in zip(LEVELS, features, predictor.towers()):
        tops = []
        for tower in towers:
            top = x
            for i in range(0, len(tower), 3):
                convolution, norm = pair(tower[i : i + 2])
                top = _conv(builder, f"{convolution.name}_level_{level}", top, convolution, norm)
            tops.append(top)
        box_heads.append(_conv(builder, f"boxes_level_{level}", tops[0], box_layer))
        class_heads.append(_conv(builder, f"classes_level_{level}", tops[-1], class_layer, columns=foreground))
    return tuple(box_heads), tuple(class_heads)


def _conv(
    builder: Builder,
    name: str,
    source: str,
    layer: Convolution,
    norm: BatchNormalization | None = None,
    columns: tf.Tensor | None = None,
) -> str:
    """Adds the plain or separable convolution `layer`, with ReLU6 where it has a batch norm."""
    if hasattr(layer, "pointwise_kernel"):
        return builder.separable(name, source, layer, norm, layer.strides[0], columns)
    return builder.conv(name, source, layer, norm, norm is not None, columns)
