"""The variables of a `PyramidDetector` by the keys of the published checkpoints."""

from __future__ import annotations

import tensorflow as tf

from train.layers.keras_types import Layer
from train.layers.pyramid_detector import PyramidDetector


def variables(model: PyramidDetector, class_head: str) -> dict[str, tf.Variable]:
    """The variables of `model` by the keys of the published checkpoints, without `model/` and the suffix.

    `class_head` is that of the class head.
    """
    extractor, predictor = model._feature_extractor, model._box_predictor
    pyramid = extractor._fpn_features_generator
    found: dict[str, tf.Variable] = {}

    def add(key: str, layer: Layer) -> None:
        for variable in layer.variables:
            found[f"{key}/{variable.name.rsplit('/', 1)[-1].removesuffix(':0')}"] = variable

    backbone = [layer for layer in extractor.classification_backbone.layers if layer.variables]
    for i, layer in enumerate(backbone):
        add(f"_feature_extractor/classification_backbone/layer_with_weights-{i}", layer)
    root = "_feature_extractor/_fpn_features_generator"
    add(f"{root}/top_layers/0", pyramid.top_layers[0])
    for i, laterals in enumerate(pyramid.residual_blocks):
        add(f"{root}/residual_blocks/{i}/0", laterals[0])
    for name, blocks in (
        (f"{root}/conv_layers", pyramid.conv_layers),
        ("_feature_extractor/_coarse_feature_layers", extractor._coarse_feature_layers),
    ):
        for i, block in enumerate(blocks):
            for j, layer in enumerate(block):
                add(f"{name}/{i}/{j}", layer)
    for tower, layers in predictor._head_scope_conv_layers.items():
        for i, layer in enumerate(layers):
            add(f"_box_predictor/_head_scope_conv_layers/{tower}/{i}", layer)
    for head, levels in predictor._base_tower_layers_for_heads.items():
        for i, level in enumerate(levels):
            for j in range(1, len(level), 3):
                add(f"_box_predictor/_base_tower_layers_for_heads/{head}/{i}/{j}", level[j])
    add("_box_predictor/_box_prediction_head/_box_encoder_layers/0", predictor._box_prediction_head.convolution)
    add(class_head, predictor._prediction_heads["class_predictions_with_background"].convolution)
    return found
