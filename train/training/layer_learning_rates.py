"""Learning rates by layer: a lower rate for the backbone, and first steps that train the heads only."""

from __future__ import annotations

from collections.abc import Hashable

import tensorflow as tf

from train.models.keras_types import Layer
from train.models.ssd_mobilenet_v2_fpnlite import Detector


def factors(model: Detector, backbone: float, head_steps: int, step: tf.Tensor) -> list[tf.Tensor | float]:
    """The factors for the gradients of `model.trainable_variables` at `step`, in that order.

    Momentum SGD is linear in the gradient, so that a factor for the gradient is the same as one for the learning rate.
    For the first `head_steps` steps, only the two heads are trained, and the other factors are 0. After that, the
    factor is `backbone` for the backbone and 1 for all else.
    """
    backbone_variables = _references(model._feature_extractor.classification_backbone)
    predictor = model._box_predictor
    head_variables = _references(predictor._box_prediction_head)
    for head in predictor._prediction_heads.values():
        head_variables |= _references(head)
    # A constant 1 if there are no head steps, which costs no operation.
    others = tf.cast(step >= head_steps, tf.float32) if head_steps else 1.0
    return [
        1.0
        if variable.ref() in head_variables
        else others * backbone
        if variable.ref() in backbone_variables
        else others
        for variable in model.trainable_variables
    ]


def _references(layer: Layer) -> set[Hashable]:
    return {variable.ref() for variable in layer.trainable_variables}
