"""Boxes around the shapes that labelling tools draw. All are (xmin, ymin, xmax, ymax), y pointing down."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from train.dataset.tools.json_files import number

Sides = tuple[float, float, float, float]


def around(points: Iterable[tuple[float, float]]) -> Sides:
    """Returns the box around points. Raises ValueError if there are fewer than two."""
    xs, ys = [], []
    for x, y in points:
        xs.append(x)
        ys.append(y)
    if len(xs) < 2:
        raise ValueError(f"has {len(xs)} points, too few for a box")
    return min(xs), min(ys), max(xs), max(ys)


def pairs(value: Any) -> list[tuple[float, float]]:
    """Returns the points of a list of [x, y]. Raises ValueError if it is none."""
    if not isinstance(value, list) or not all(isinstance(point, list) and len(point) == 2 for point in value):
        raise ValueError("has points that are no pairs of numbers")
    return [(number(x, "x"), number(y, "y")) for x, y in value]


def rotated(corners: Iterable[tuple[float, float]], degrees: float, center: tuple[float, float]) -> Sides:
    """Returns the box around points that are turned clockwise by `degrees` about `center`."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    cx, cy = center
    return around((cx + (x - cx) * cos - (y - cy) * sin, cy + (x - cx) * sin + (y - cy) * cos) for x, y in corners)


def rectangle(x: float, y: float, width: float, height: float) -> list[tuple[float, float]]:
    """Returns the corners of an upright rectangle from its top left corner, which is the first."""
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]


def ellipse(cx: float, cy: float, rx: float, ry: float, degrees: float = 0) -> Sides:
    """Returns the box around an ellipse with the radii `rx` and `ry`, turned clockwise by `degrees`.

    Its half sides are the lengths of the radii's projections: sqrt((rx cos)^2 + (ry sin)^2), and the same exchanged.
    """
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    across, down = math.hypot(rx * cos, ry * sin), math.hypot(rx * sin, ry * cos)
    return cx - across, cy - down, cx + across, cy + down
