"""Anchors of a feature pyramid: 12,804 at an input of 320 x 320, 51,150 at 640 x 640.

Feature levels 3 to 7, scale 4, aspect ratios 1, 2 and 1/2, and two scales per octave give six anchors per cell
(`multiscale_anchor_generator` of the Object Detection API).
"""

from __future__ import annotations

import math

from train.geometry.head import Head, Level
from train.geometry.size import InputSize

LEVELS = (3, 4, 5, 6, 7)
SCALE = 4.0
ASPECT_RATIOS = (1.0, 2.0, 0.5)
OCTAVE_SCALES = (1.0, math.sqrt(2.0))
PER_CELL = len(ASPECT_RATIOS) * len(OCTAVE_SCALES)


def pyramid_anchors(size: InputSize) -> Head:
    """The anchors for an input of `size`, levels 3 to 7.

    Within a cell, the aspect ratio is the outer loop and the octave scale the inner one.
    """
    return Head(size, tuple(_level(size, level) for level in LEVELS))


def _level(size: InputSize, level: int) -> Level:
    stride = 2**level
    shapes = tuple(
        (scale * SCALE * stride / math.sqrt(ratio), scale * SCALE * stride * math.sqrt(ratio))
        for ratio in ASPECT_RATIOS
        for scale in OCTAVE_SCALES
    )
    # Every stride-2 layer uses SAME padding, so each level has half the side of the previous one, rounded up. The
    # published grid is shifted by half a stride only where the level tiles that side of the input exactly.
    rows, columns = (math.ceil(side / stride) for side in size)
    y, x = (stride / 2 if side % stride == 0 else 0.0 for side in size)
    return Level(rows, columns, (stride, stride), (y, x), shapes)
