"""Drawing of colored shapes on textured backgrounds, with the boxes of their visible parts.

The scenes are hard enough that a detector has to learn shapes, and simple enough to learn in minutes. All
randomness comes from the generator that is passed in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional, Sequence

import cv2
import numpy as np

from runtime.common.values import Box
from train.sample_data import shape_classes

LABELS = shape_classes.labels(4)

# Shapes are filled at this multiple of the size and averaged: 16 steps of coverage at the edges.
_SUPERSAMPLING = 4
# The least share of a shape's area that is visible, and that lies inside the image.
_MIN_VISIBLE = 0.4
_MIN_INSIDE = 0.6
_TRIES = 30
# The least distance in BGR from the background; a saturated color that far away always exists.
_MIN_CONTRAST = 110


# Rows, columns, coverage of each pixel in them, and the area of the whole shape in pixels.
Coverage = tuple[slice, slice, np.ndarray, float]


@dataclass(frozen=True)
class Shape:
    """A shape to draw.

    Center (`x`, `y`) and `radius` are in pixels, `angle` is in radians, `stretch` is width / height, and
    `color` and `edge` (the outline's color) are BGR, 0..255.
    """

    label: str
    x: float
    y: float
    radius: float
    angle: float
    stretch: float
    color: tuple[float, float, float]
    edge: tuple[float, float, float]


def random_shapes(
    rng: np.random.Generator, background: np.ndarray, count: int, labels: Sequence[str] = LABELS
) -> list[Shape]:
    """Returns up to `count` shapes of the classes `labels` for `background`, back to front.

    At least 60 % of each shape lies inside the image, at least 40 % of it is visible, and its color
    differs from the background below it.
    """
    height, width = background.shape[:2]
    owner = np.full((height, width), -1, np.int32)
    shapes: list[Shape] = []
    room: list[float] = []
    for _ in range(count):
        for _ in range(_TRIES):
            shape = _random_shape(rng, background, labels)
            if _place(shape, owner, room):
                shapes.append(shape)
                break
    return shapes


def draw(background: np.ndarray, shapes: Sequence[Shape]) -> tuple[np.ndarray, list[Optional[Box]]]:
    """Draws `shapes` in order on `background` (float32 or uint8 [height, width, 3], BGR).

    Returns the image (float32, 0..255) and for each shape the tight box of its visible part, from the left
    edge of the first pixel to the right edge of the last; None if no part is visible.
    """
    image = background.astype(np.float32)
    owner = np.full(image.shape[:2], -1, np.int32)
    for index, shape in enumerate(shapes):
        found = _coverage(shape, image.shape)
        if found is None:
            continue
        rows, columns, alpha, _ = found
        inner = _coverage(_shrunk(shape), image.shape)
        paint = np.empty((*alpha.shape, 3), np.float32)
        paint[:] = shape.edge
        if inner is not None:
            _blend(paint, inner, rows.start, columns.start, shape.color)
        part = image[rows, columns]
        part += alpha[:, :, None] * (paint - part)
        owner[rows, columns][alpha > 0.5] = index
    return image, [_box(owner == index) for index in range(len(shapes))]


def _random_shape(rng: np.random.Generator, background: np.ndarray, labels: Sequence[str]) -> Shape:
    height, width = background.shape[:2]
    x, y = rng.uniform(0, width), rng.uniform(0, height)
    # Small shapes are more frequent than large ones, as in photographs.
    radius = min(height, width) * 0.06 * (0.26 / 0.06) ** rng.random()
    r = int(radius)
    under = background[max(int(y) - r, 0) : int(y) + r + 1, max(int(x) - r, 0) : int(x) + r + 1].mean((0, 1))
    color = _random_color(rng)
    while np.linalg.norm(color - under) < _MIN_CONTRAST:
        color = _random_color(rng)
    edge = color * rng.choice((0.45, 0.6, 1.0))
    return Shape(
        labels[int(rng.integers(len(labels)))],
        x,
        y,
        radius,
        rng.uniform(0, 2 * np.pi),
        rng.uniform(0.8, 1.25),
        tuple(color.tolist()),
        tuple(edge.tolist()),
    )


def _random_color(rng: np.random.Generator) -> np.ndarray:
    """Returns a saturated BGR color, float32 [3], 0..255."""
    hsv = np.array([[[rng.uniform(0, 360), rng.uniform(0.5, 1), rng.uniform(0.5, 1)]]], np.float32)
    color: np.ndarray = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)[0, 0] * 255
    return color


def _place(shape: Shape, owner: np.ndarray, room: list[float]) -> bool:
    """Adds `shape` on top in `owner` and returns True, unless it or a shape below would be too little visible.

    `owner` [height, width] has the index of the topmost shape at each pixel, -1 for none. `room` has for
    each shape the number of pixels that may still be covered.
    """
    found = _coverage(shape, owner.shape)
    if found is None:
        return False
    rows, columns, alpha, whole = found
    mask = alpha > 0.5
    inside = float(mask.sum())
    lost = np.bincount(owner[rows, columns][mask] + 1, minlength=len(room) + 1)[1:]
    if inside < _MIN_INSIDE * whole or np.any(lost > room):
        return False
    owner[rows, columns][mask] = len(room)
    room[:] = [*np.subtract(room, lost), inside - _MIN_VISIBLE * whole]
    return True


def _coverage(shape: Shape, size: Sequence[int]) -> Optional[Coverage]:
    """Returns rows, columns and coverage (float32, 0..1) of the part inside the image, and the whole shape's area.

    Returns None if no part of the shape is inside.
    """
    outlines = _outlines(shape)
    points = np.concatenate(outlines)
    left, top = np.floor(points.min(0)).astype(int) - 1
    right, bottom = np.ceil(points.max(0)).astype(int) + 1
    rows = slice(max(top, 0), min(bottom, size[0]))
    columns = slice(max(left, 0), min(right, size[1]))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return None
    large = np.zeros(((bottom - top) * _SUPERSAMPLING, (right - left) * _SUPERSAMPLING), np.uint8)
    # fillPoly takes integers for pixel centers, hence the offset of a half.
    scaled = [np.round((outline - (left, top)) * _SUPERSAMPLING - 0.5).astype(np.int32) for outline in outlines]
    cv2.fillPoly(large, scaled, 255)
    alpha = cv2.resize(large, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
    alpha = alpha.astype(np.float32) / 255
    inside = alpha[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    return rows, columns, inside, float(alpha.sum())


def _outlines(shape: Shape) -> list[np.ndarray]:
    """Returns closed outlines in pixels, float64 [points, 2] as x, y; a point inside two of them is in a hole."""
    outlines = shape_classes.outlines(shape.label)
    cos, sin = np.cos(shape.angle), np.sin(shape.angle)
    stretch = np.array((shape.stretch**0.5, shape.stretch**-0.5))
    turn = np.array(((cos, sin), (-sin, cos)))
    return [(outline * stretch) @ turn * shape.radius + (shape.x, shape.y) for outline in outlines]


def _shrunk(shape: Shape) -> Shape:
    """Returns the part of `shape` inside its outline."""
    return replace(shape, radius=shape.radius * 0.84)


def _blend(paint: np.ndarray, inner: Coverage, top: int, left: int, color: Sequence[float]) -> None:
    rows, columns, alpha, _ = inner
    part = paint[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    part += alpha[:, :, None] * (np.asarray(color, np.float32) - part)


def _box(mask: np.ndarray) -> Optional[Box]:
    columns, rows = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    if not len(columns):
        return None
    return Box(float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
