"""The default network's anchors, for tests."""

from __future__ import annotations

import numpy as np

from train.geometry.head import Head
from train.geometry.pyramid_anchors import pyramid_anchors
from train.geometry.size import InputSize


def head(side: int | str) -> Head:
    """What the outputs mean for an input of this size."""
    return pyramid_anchors(InputSize.of(side))


def anchors(side: int | str) -> np.ndarray:
    """The anchors for an input of this size, float32 [A, 4]."""
    return head(side).anchors
