"""Networks for tests, each built once per process, since building takes seconds.

Tests that change weights use `scratch()`; no test relies on its weights.
"""

from __future__ import annotations

import functools
from pathlib import Path

from train.layers import tensorflow_setup

tensorflow_setup.prepare()

from train import models  # noqa: E402
from train.checkpoints import variables  # noqa: E402
from train.geometry.size import InputSize  # noqa: E402
from train.layers.keras_types import Model  # noqa: E402

NETWORK = models.find(models.DEFAULT)
SIZE = InputSize(320, 320)


def build(classes: int) -> Model:
    """A new network for `classes` classes, with random weights."""
    return NETWORK.new(SIZE, classes)


@functools.cache
def scratch() -> Model:
    """A network for 3 classes, with the weights that the last test left."""
    return build(3)


@functools.cache
def standin(shared: Path) -> Model:
    """A network for 90 classes with the weights of the stand-in checkpoint, which tests must not change."""
    model = build(90)
    variables.load(model, shared / "checkpoints" / "fpnlite320_standin", whole=True)
    return model
