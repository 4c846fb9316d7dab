"""Learning rates by layer: the backbone slower, and at first the heads alone."""

from __future__ import annotations

import tensorflow as tf

from train.models.ssd_mobilenet_v2_fpnlite import Detector


def factors(model: Detector, backbone: float, head_steps: int, step: tf.Tensor) -> list[tf.Tensor | float]:
    """What to multiply the gradient of each trainable variable with at `step`.

    That is as good as a learning rate of its own for each: momentum SGD is linear in the gradient. For
    the first `head_steps` steps only the two heads learn; then all do, the backbone at `backbone`
    times the rate.
    """
    slow = _references(model._feature_extractor.classification_backbone)
    predictor = model._box_predictor
    heads = _references(predictor._box_prediction_head)
    for head in predictor._prediction_heads.values():
        heads |= _references(head)
    # A plain 1 where nothing changes, so that the usual recipe costs nothing.
    others = tf.cast(step >= head_steps, tf.float32) if head_steps else 1.0
    return [
        1.0 if variable.ref() in heads else others * backbone if variable.ref() in slow else others
        for variable in model.trainable_variables
    ]


def _references(layer) -> set:
    return {variable.ref() for variable in layer.trainable_variables}
