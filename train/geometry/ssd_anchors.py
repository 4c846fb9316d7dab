"""Anchors of a detector with six maps of falling size: 1,917 at an input of 300 x 300.

`ssd_anchor_generator` of the Object Detection API, with its settings for SSD MobileNet (Liu et al. 2016, section 2.2).
"""

from __future__ import annotations

import math

from train.geometry.head import Head, Level, Pair
from train.geometry.size import InputSize

MAPS = 6
# Distance between the cells of the finest map, in pixels.
FIRST_STRIDE = 16
MIN_SCALE, MAX_SCALE = 0.2, 0.95
# As the published configurations have them: the last one is not 1/3.
RATIOS = (1.0, 2.0, 0.5, 3.0, 0.3333)
# The finest map has fewer and smaller anchors: scale and ratio.
_FIRST = ((0.1, 1.0), (0.2, 2.0), (0.2, 0.5))


def shapes_per_cell(number: int) -> int:
    """How many anchors a cell of map `number` has, the finest being 0."""
    return len(_FIRST) if number == 0 else len(RATIOS) + 1


def ssd_anchors(size: InputSize) -> Head:
    """The anchors for an input of `size`, the finest map first.

    Centres lie in the middle of cells. Anchors keep their shape in pixels where the input is not square: their sides are
    in proportion to its shorter side.
    """
    rows, columns = (math.ceil(side / FIRST_STRIDE) for side in size)
    levels = []
    for number in range(MAPS):
        stride = (size.height / rows, size.width / columns)
        shapes = tuple(_shape(scale, ratio, min(size)) for scale, ratio in _scales_and_ratios(number))
        levels.append(Level(rows, columns, stride, (stride[0] / 2, stride[1] / 2), shapes))
        # Every stride-2 layer uses SAME padding.
        rows, columns = math.ceil(rows / 2), math.ceil(columns / 2)
    return Head(size, tuple(levels))


def _scales_and_ratios(number: int) -> tuple[Pair, ...]:
    if number == 0:
        return _FIRST
    scales = [MIN_SCALE + (MAX_SCALE - MIN_SCALE) * i / (MAPS - 1) for i in range(MAPS)] + [1.0]
    scale, following = scales[number : number + 2]
    return (*((scale, ratio) for ratio in RATIOS), (math.sqrt(scale * following), 1.0))


def _shape(scale: float, ratio: float, side: int) -> Pair:
    return scale / math.sqrt(ratio) * side, scale * math.sqrt(ratio) * side
