"""Learning rates by layer."""

from __future__ import annotations

import tensorflow as tf

from tests.support import detector_320
from train.training import layer_learning_rates


def learnt(backbone: float, head_steps: int, step: int) -> dict[str, set[float]]:
    """The factors of backbone, heads and the rest."""
    model = detector_320.scratch()
    predictor = model._box_predictor
    parts = {
        "backbone": [model._feature_extractor.classification_backbone],
        "heads": [predictor._box_prediction_head, *predictor._prediction_heads.values()],
        "rest": [model],
    }
    found: dict[str, set[float]] = {}
    part_of = {}
    for part, layers in parts.items():
        for variable in (variable for layer in layers for variable in layer.trainable_variables):
            part_of.setdefault(variable.ref(), part)
    factors = layer_learning_rates.factors(model, backbone, head_steps, tf.constant(step, tf.int64))
    for variable, factor in zip(model.trainable_variables, factors, strict=True):
        found.setdefault(part_of[variable.ref()], set()).add(float(factor))
    return found


def test_the_backbone_has_a_lower_rate():
    assert learnt(0.25, 0, 5) == {"backbone": {0.25}, "heads": {1.0}, "rest": {1.0}}


def test_the_first_steps_train_only_the_heads():
    assert learnt(0.5, 10, 9) == {"backbone": {0.0}, "heads": {1.0}, "rest": {0.0}}
    assert learnt(0.5, 10, 10) == {"backbone": {0.5}, "heads": {1.0}, "rest": {1.0}}
