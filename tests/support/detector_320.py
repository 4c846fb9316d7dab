"""Networks for tests, each built once in a session: that takes seconds.

Tests that change the weights of one take `scratch()`, whose weights no test relies on.
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
    model = Detector(SIZE, classes)
    model(tf.zeros([1, SIZE, SIZE, 3]))
    return model


@functools.cache
def scratch() -> Detector:
    """A network for 3 classes with whatever weights the last test left."""
    return build(3)


@functools.cache
def standin(shared: Path) -> Detector:
    """A network for 90 classes with the stand-in checkpoint's weights; leave them as they are."""
    model = build(90)
    variables.load(model, shared / "checkpoints" / "fpnlite320_standin", whole=True)
    return model
