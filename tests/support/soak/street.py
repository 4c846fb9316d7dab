"""What the camera of a soak sees: squares in two colors that pass one after the other, and something to be hidden.

The small detector's boxes lie on a grid. A square is one cell of it, and goes from cell to cell, so that it has one box. Through
tiles it is two cells, and goes from one to the next.
"""

from __future__ import annotations

import functools
from typing import List

import numpy as np

WIDTH, HEIGHT = 320, 240
# Frames in which a square is in the image, and frames until the next one.
PASSING, PAUSE = 150, 120
# Pixels of a cell, and the row of cells that squares go along.
SIDE_X, SIDE_Y, TOP = 40, 30, 90
# Pixels of a step through tiles.
TILES_STEP = SIDE_X // 2

# Magenta, which nothing else in the image is; drawn boxes do not come near.
SECRET_LEFT, SECRET_TOP, SECRET_RIGHT, SECRET_BOTTOM = 268, 192, 316, 236
MASK = "262,186,320,186,320,240,262,240"

_MAGENTA = (255, 0, 255)
_TEXTURES = 4
# Frames for which the noise stays: video of noise that changes with each frame is like nothing that a camera gives.
_STILL = 6


def image(number: int, step: int = SIDE_X) -> np.ndarray:
    """The frame with this number, uint8 [240, 320, 3], in BGR. Squares move by `step` pixels at a time."""
    made = _noise()[number // _STILL % _TEXTURES].copy()
    lap, place = divmod(number, PASSING + PAUSE)
    if place < PASSING:
        left = step * (place * ((WIDTH - SIDE_X) // step + 1) // PASSING)
        made[TOP : TOP + SIDE_Y, left : left + SIDE_X] = 20
        made[TOP : TOP + SIDE_Y, left : left + SIDE_X, lap % 2] = 230
    made[SECRET_TOP:SECRET_BOTTOM, SECRET_LEFT:SECRET_RIGHT] = _MAGENTA
    return made


def shows_secret(image: np.ndarray) -> bool:
    """Whether an image, uint8 [height, width, 3] in BGR, of any part of the street at any size, has magenta in it."""
    blue, green, red = (image[..., channel].astype(np.int16) for channel in range(3))
    return bool(np.count_nonzero((np.minimum(blue, red) > 110) & (np.minimum(blue, red) - green > 90)) > 4)


def is_hidden(image: np.ndarray) -> bool:
    """Whether a whole image of the street, uint8 [height, width, 3] in BGR, is black where the secret is."""
    height, width = image.shape[:2]
    rows = slice(SECRET_TOP * height // HEIGHT, SECRET_BOTTOM * height // HEIGHT)
    columns = slice(SECRET_LEFT * width // WIDTH, SECRET_RIGHT * width // WIDTH)
    # Compression leaves some noise.
    return float(image[rows, columns].mean()) < 12 and not shows_secret(image[rows, columns])


@functools.lru_cache(maxsize=1)
def _noise() -> List[np.ndarray]:
    draw = np.random.default_rng(0)
    return [np.repeat(draw.integers(0, 60, (HEIGHT, WIDTH, 1), np.uint8), 3, axis=2) for _ in range(_TEXTURES)]
