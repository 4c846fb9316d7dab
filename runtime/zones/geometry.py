"""Points, lines and polygons in pixels of an image, whose y points down. A point is (x, y)."""

from __future__ import annotations

import math
from typing import List, Sequence, Tuple

from runtime.common.values import Box

Point = Tuple[float, float]
Edge = Tuple[Point, Point]

# Rows in which the area of a polygon that crosses itself is measured.
_ROWS = 64

# Where an object is, by name: the point of its box as shares of the box's width and height.
ANCHORS = {"bottom": (0.5, 1.0), "center": (0.5, 0.5), "top": (0.5, 0.0)}


def anchor(box: Box, name: str, width: int, height: int) -> Point:
    """The point of `box` that is called `name` (see ANCHORS), moved into the image of `width` x `height`."""
    across, down = ANCHORS[name]
    x, y = box.xmin + across * box.width, box.ymin + down * box.height
    # The middles of the outermost pixels: a zone that reaches to the edge of the image holds them.
    return min(max(x, 0.5), width - 0.5), min(max(y, 0.5), height - 0.5)


def offset(point: Point, start: Point, end: Point) -> float:
    """The distance of `point` from the endless line through `start` and `end`.

    Positive on the right hand of someone who looks from `start` to `end`, negative on the left.
    """
    across, down = end[0] - start[0], end[1] - start[1]
    return (across * (point[1] - start[1]) - down * (point[0] - start[0])) / math.hypot(across, down)


def distance(point: Point, edge: Edge) -> float:
    """The distance of `point` from the nearest point of `edge`."""
    (x, y), (to_x, to_y) = edge
    across, down = to_x - x, to_y - y
    length = across * across + down * down
    share = ((point[0] - x) * across + (point[1] - y) * down) / length if length else 0.0
    share = min(max(share, 0.0), 1.0)
    return math.hypot(point[0] - x - share * across, point[1] - y - share * down)


def crosses(path: Edge, line: Edge) -> bool:
    """Whether `path` and `line` have a point in common; not where one goes along the other."""
    (a, b), (start, end) = path, line
    if a == b or start == end:
        return False
    before, after = offset(a, start, end), offset(b, start, end)
    return (before != 0 or after != 0) and before * after <= 0 and offset(start, a, b) * offset(end, a, b) <= 0


def inside(point: Point, polygon: Sequence[Point]) -> bool:
    """Whether `point` lies in `polygon`, by the rule of even and odd: https://en.wikipedia.org/wiki/Even-odd_rule."""
    x, y = point
    found = False
    for (left, top), (right, bottom) in edges(polygon):
        if (top > y) != (bottom > y) and x < left + (y - top) * (right - left) / (bottom - top):
            found = not found
    return found


def edges(polygon: Sequence[Point]) -> List[Edge]:
    """The edges of a polygon; the last ends where the first begins."""
    return list(zip(polygon, (*polygon[1:], polygon[0])))


def area(polygon: Sequence[Point]) -> float:
    """Square pixels `inside` of a polygon; about as many where it crosses itself."""
    sides = edges(polygon)
    # Parts that are walked around the other way count as less than nothing: the two halves of a bow tie as 0 together.
    whole = abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in sides)) / 2
    crossed = any(crosses(side, other) for at, side in enumerate(sides) for other in sides[at + 2 : len(sides) - (not at)])
    return _scanned(polygon) if crossed else whole


def _scanned(polygon: Sequence[Point]) -> float:
    """The area by the lengths of rows."""
    least, most = min(y for _, y in polygon), max(y for _, y in polygon)
    high = (most - least) / _ROWS
    found = 0.0
    for row in range(_ROWS):
        y = least + (row + 0.5) * high
        ends = sorted(
            left + (y - top) * (right - left) / (bottom - top)
            for (left, top), (right, bottom) in edges(polygon)
            if (top > y) != (bottom > y)
        )
        found += sum(end - start for start, end in zip(ends[::2], ends[1::2])) * high
    return found
