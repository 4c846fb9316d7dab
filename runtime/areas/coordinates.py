"""Reads corners on an image, as the options of masks, zones and lines take them."""

from __future__ import annotations

import math
from typing import Optional, Tuple

Corners = Tuple[Tuple[float, float], ...]

# Far beyond the widest image, and exact in the 32-bit floats of whoever draws them.
_MOST = 1e6


def corners(text: str) -> Optional[Corners]:
    """The corners of `X,Y,X,Y,...`, each from 0 on; None where the text is none of that."""
    try:
        values = [float(value) for value in text.split(",")]
    except ValueError:
        return None
    if len(values) % 2 or not all(0 <= value < _MOST for value in values):
        return None
    return tuple(zip(values[::2], values[1::2]))


def are_pixels(given: Corners) -> bool:
    """Whether corners are in pixels: if any value is over 1; else they are shares of the image."""
    return any(value > 1 for corner in given for value in corner)


def has_area(given: Corners) -> bool:
    """Whether the corners, two or more, do not all lie on one straight line."""
    left, top = given[0]
    ways = [(x - left, y - top) for x, y in given[1:]]
    along, down = max(ways, key=lambda way: math.hypot(*way))
    # Beyond what is lost where a decimal number is rounded to a float.
    least = 1e-9 * (along * along + down * down)
    return any(abs(along * y - down * x) > least for x, y in ways)


def text(given: Corners) -> str:
    """The text `X,Y,X,Y,...` of corners."""
    return ",".join(f"{value:g}" for corner in given for value in corner)
