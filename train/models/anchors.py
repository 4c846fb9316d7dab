"""Anchors of the detector: 12,804 at input size 320, 51,150 at 640.

Feature levels 3 to 7, scale 4, aspect ratios 1, 2 and 1/2, and two scales per octave give six anchors per cell.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any, TypedDict

import numpy as np

# Input sizes for which checkpoints were published.
SIZES = (320, 640)
LEVELS = (3, 4, 5, 6, 7)
SCALE = 4.0
ASPECT_RATIOS = (1.0, 2.0, 0.5)
OCTAVE_SCALES = (1.0, math.sqrt(2.0))
PER_CELL = len(ASPECT_RATIOS) * len(OCTAVE_SCALES)

# An anchor with at least this IoU with a labelled box is trained to detect the box.
POSITIVE_IOU = 0.5


class _Grid(TypedDict):
    """Geometry of one level.

    `side` is the number of cells along one side, `stride` the distance between cell centres, `offset` the position of
    the first centre, and `shapes` the (height, width) of each of a cell's anchors. All but `side` are in pixels.
    """

    side: int
    stride: int
    offset: float
    shapes: list[list[float]]


def feature_sides(size: int) -> tuple[int, ...]:
    """Cells along one side of each level's feature map, level 3 first, for a `size` x `size` input.

    Every stride-2 layer uses SAME padding, so each level has half the side of the previous one, rounded up.
    """
    return tuple(math.ceil(size / 2**level) for level in LEVELS)


def level_anchors(size: int, level: int) -> np.ndarray:
    """Anchors of one level: float32 [cells * 6, 4] as (yc, xc, h, w), in fractions of the input side.

    Cells are in row-major order. Within a cell, the aspect ratio is the outer loop and the octave scale the inner one.
    """
    grid = _grid(size, level)
    centres = np.arange(grid["side"], dtype=np.float64) * grid["stride"] + grid["offset"]
    anchors = np.empty((grid["side"], grid["side"], PER_CELL, 4), np.float64)
    anchors[..., 0] = centres[:, None, None]
    anchors[..., 1] = centres[None, :, None]
    anchors[..., 2:] = np.asarray(grid["shapes"])
    return (anchors.reshape(-1, 4) / size).astype(np.float32)


def _grid(size: int, level: int) -> _Grid:
    stride = 2**level
    shapes = [
        [scale * SCALE * stride / math.sqrt(ratio), scale * SCALE * stride * math.sqrt(ratio)]
        for ratio in ASPECT_RATIOS
        for scale in OCTAVE_SCALES
    ]
    # The published grid is shifted by half a stride only where the level tiles the input exactly.
    offset = stride / 2 if size % stride == 0 else 0.0
    return {"side": math.ceil(size / stride), "stride": stride, "offset": offset, "shapes": shapes}


def anchors(size: int) -> np.ndarray:
    """All anchors for a `size` x `size` input, levels 3 to 7: float32 [A, 4] as (yc, xc, h, w) in 0..1.

    The anchors are not clipped to the image.
    """
    return np.concatenate([level_anchors(size, level) for level in LEVELS])


def described(size: int) -> dict[str, Any]:
    """A description of all anchors for JSON, from which every anchor can be computed.

    Anchors are ordered by level, row, column, and entry of `shapes`. A centre is (index * stride + offset) / size.
    A shape is (height, width) in pixels, to be divided by size. The results are rounded to float32. `sha256` is the
    hash of the anchors as little-endian float32 [count, 4].
    """
    table = anchors(size)
    return {
        "count": len(table),
        "order": ["yc", "xc", "h", "w"],
        "size": size,
        "levels": [_grid(size, level) for level in LEVELS],
        "sha256": hashlib.sha256(table.astype("<f4").tobytes()).hexdigest(),
    }
