"""Networks for tests, each built once per process, since building takes seconds.

Tests that change weights use `scratch()`; no test relies on its weights.
"""

from __future__ import annotations

import functools
from pathlib import Path

from train.models import tensorflow_setup

tensorflow_setup.prepare()

import tensorflow as tf  # noqa: E402

from train.checkpoints import variables  # noqa: E402
from train.models.ssd_mobilenet_v2_fpnlite import Detector  # noqa: E402

SIZE = 320


def build(classes: int) -> Detector:
    """A new network for `classes` classes, with random weights."""
    model = Detector(SIZE, classes)
    model(tf.zeros([1, SIZE, SIZE, 3]))
    return model


@functools.cache
def scratch() -> Detector:
    """A network for 3 classes, with the weights that the last test left."""
    return build(3)


@functools.cache
def standin(shared: Path) -> Detector:
    """A network for 90 classes with the weights of the stand-in checkpoint, which tests must not change."""
    model = build(90)
    variables.load(model, shared / "checkpoints" / "fpnlite320_standin", whole=True)
    return model
