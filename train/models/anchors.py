"""The anchors of the detector: 12,804 at 320, 51,150 at 640.

Levels 3 to 7, scale 4, aspect ratios 1, 2 and 1/2, two scales an octave: six anchors a cell.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any

import numpy as np

# The sizes for which checkpoints were published.
SIZES = (320, 640)
LEVELS = (3, 4, 5, 6, 7)
SCALE = 4.0
ASPECT_RATIOS = (1.0, 2.0, 0.5)
OCTAVE_SCALES = (1.0, math.sqrt(2.0))
PER_CELL = len(ASPECT_RATIOS) * len(OCTAVE_SCALES)

# From this IoU with a labelled box on, an anchor is trained to find it.
POSITIVE_IOU = 0.5


def feature_sides(size: int) -> tuple[int, ...]:
    """Cells along one side of each level's feature map, level 3 first, for a `size` x `size` input.

    Every stride-2 layer pads SAME, so each side is the one before it halved and rounded up.
    """
    return tuple(math.ceil(size / 2**level) for level in LEVELS)


def level_anchors(size: int, level: int) -> np.ndarray:
    """Anchors of one level, float32 [cells * 6, 4] as yc, xc, h, w in units of the input side.

    Cells are row-major; in a cell the aspect ratio is the outer loop, the octave scale the inner.
    """
    grid = _grid(size, level)
    centres = np.arange(grid["side"], dtype=np.float64) * grid["stride"] + grid["offset"]
    anchors = np.empty((grid["side"], grid["side"], PER_CELL, 4), np.float64)
    anchors[..., 0] = centres[:, None, None]
    anchors[..., 1] = centres[None, :, None]
    anchors[..., 2:] = np.asarray(grid["shapes"])
    return (anchors.reshape(-1, 4) / size).astype(np.float32)


def _grid(size: int, level: int) -> dict[str, Any]:
    """A level's cells along one side, and in pixels the distance of their centres, where the first
    is, and height and width of each cell's anchors.
    """
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
    """All anchors for a `size` x `size` input, level 3 to 7: float32 [A, 4] as yc, xc, h, w in 0..1.

    They are not clipped to the image.
    """
    return np.concatenate([level_anchors(size, level) for level in LEVELS])


def described(size: int) -> dict[str, Any]:
    """All anchors in a form for people and for JSON, from which every number can be computed again.

    Levels follow each other; in a level rows, in a row cells, in a cell `shapes`. A centre is
    (index * stride + offset) / size, a shape is height and width in pixels, to be divided by size; the
    result is rounded to float32. `sha256` is that of float32 [count, 4], little-endian.
    """
    table = anchors(size)
    return {
        "count": len(table),
        "order": ["yc", "xc", "h", "w"],
        "size": size,
        "levels": [_grid(size, level) for level in LEVELS],
        "sha256": hashlib.sha256(table.astype("<f4").tobytes()).hexdigest(),
    }
