"""Learning rates by layer: a lower rate for the backbone, and first steps that train the heads only."""

from __future__ import annotations

from collections.abc import Hashable

import tensorflow as tf

from train.layers.keras_types import Layer, Model


def factors(model: Model, backbone: float, head_steps: int, step: tf.Tensor) -> list[tf.Tensor | float]:
    """The factors for the gradients of `model.trainable_variables` at `step`, in that order.

    Momentum SGD is linear in the gradient, so that a factor for the gradient is the same as one for the learning rate.
    For the first `head_steps` steps, only the heads are trained, and the other factors are 0. After that, the
    factor is `backbone` for the backbone and 1 for all else.
    """
    backbone_variables = _references(model.network.backbone(model))
    head_variables = set().union(*(_references(head) for head in model.network.heads(model)))
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
