"""The classes of shapes and their outlines: four that differ plainly, and many kinds of stars for data of many classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_PLAIN = ("ring", "square", "star", "triangle")
# Points of a star, and the radius of its inner corners in percent of the outer one.
_POINTS = range(3, 23)
_INNER = range(20, 100, 4)
_STARS = tuple(f"star-{points}-{inner}" for inner in _INNER for points in _POINTS)

MOST = len(_PLAIN) + len(_STARS)


def labels(count: int) -> tuple[str, ...]:
    """The names of the first `count` classes, at most `MOST`."""
    return (*_PLAIN, *_STARS)[:count]


def outlines(label: str) -> list[np.ndarray]:
    """Closed outlines of a shape of radius 1 around the origin, float64 [points, 2] as x, y.

    A point inside two of them is in a hole.
    """
    if label == "ring":
        return [_points(64, (1.0,)), _points(64, (0.5,))]
    if label == "square":
        return [_points(4, (1.0,))]
    if label == "triangle":
        return [_points(3, (1.0,))]
    if label == "star":
        return [_points(10, (1.0, 0.42))]
    _, points, inner = label.split("-")
    return [_points(2 * int(points), (1.0, int(inner) / 100))]


def _points(count: int, radii: Sequence[float]) -> np.ndarray:
    """Returns `count` points at equal angles, at the distances `radii`, repeated."""
    angles = np.arange(count) * (2 * np.pi / count)
    distances = np.resize(np.asarray(radii, np.float64), count)
    return np.stack((distances * np.cos(angles), distances * np.sin(angles)), 1)
