"""Reads corners on an image, as the options of masks, zones and lines take them."""

from __future__ import annotations

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
    """Whether the corners lie neither on one horizontal nor on one vertical line."""
    return all(min(axis) < max(axis) for axis in zip(*given))


def text(given: Corners) -> str:
    """The text `X,Y,X,Y,...` of corners."""
    return ",".join(f"{value:g}" for corner in given for value in corner)
