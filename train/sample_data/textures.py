"""Textured backgrounds for drawn images: noise at several scales, gradients, stripes, blotches and lines."""

from __future__ import annotations

import cv2
import numpy as np


def random_background(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Returns a texture, float32 [height, width, 3], 0..255."""
    image = _gradient(rng, width, height)
    image += _noise(rng, width, height)
    if rng.random() < 0.4:
        image += _stripes(rng, width, height)[:, :, None] * rng.uniform(-30, 30, 3).astype(np.float32)
    np.clip(image, 0, 255, out=image)
    if rng.random() < 0.6:
        _blotches(rng, image)
    _lines(rng, image)
    return image


def finish(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Adds slight blur and noise, as a camera does; returns uint8 of the same shape."""
    sigma = rng.uniform(0, 0.9)
    if sigma > 0.3:
        image = cv2.GaussianBlur(image, (5, 5), sigma)
    noise = rng.standard_normal(image.shape[:2], np.float32) * np.float32(rng.uniform(0, 7)) + np.float32(0.5)
    finished: np.ndarray = np.clip(image + noise[:, :, None], 0, 255).astype(np.uint8)
    return finished


def _gradient(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    corners = rng.uniform(40, 215, 3) + rng.uniform(-40, 40, (2, 2, 3))
    gradient: np.ndarray = cv2.resize(corners.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return gradient


def _noise(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    total = np.zeros((80, 80, 3), np.float32)
    for cells in (3, 8, 24, 80):
        grid = rng.standard_normal((cells, cells, 3), np.float32) * np.float32(rng.uniform(0, 16))
        # Half of the noise is gray: colored noise alone looks like no real surface.
        grid = (grid + grid.mean(2, keepdims=True)) / 2
        total += cv2.resize(grid, (80, 80), interpolation=cv2.INTER_CUBIC)
    noise: np.ndarray = cv2.resize(total, (width, height), interpolation=cv2.INTER_LINEAR)
    return noise


def _stripes(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    angle, period = rng.uniform(0, np.pi), rng.uniform(8, 60)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    phase = (x * np.cos(angle) + y * np.sin(angle)) * np.float32(2 * np.pi / period)
    stripes: np.ndarray = np.sin(phase, dtype=np.float32)
    return stripes


def _blotches(rng: np.random.Generator, image: np.ndarray) -> None:
    """Draws blurred spots, which have a color but no definite shape."""
    height, width = image.shape[:2]
    # Drawn at a quarter of the size, since they are blurred anyway.
    mask = np.zeros((height // 4 + 1, width // 4 + 1), np.float32)
    color = rng.uniform(30, 225, 3).astype(np.float32)
    for _ in range(rng.integers(2, 9)):
        center = (int(rng.integers(mask.shape[1])), int(rng.integers(mask.shape[0])))
        axes = tuple(int(side) for side in rng.integers(2, max(mask.shape[0] // 6, 4), 2))
        cv2.ellipse(mask, center, axes, rng.uniform(0, 360), 0, 360, 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), rng.uniform(2, 5)) * np.float32(rng.uniform(0.3, 0.7))
    mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR)[:, :, None]
    image += mask * (color - image)


def _lines(rng: np.random.Generator, image: np.ndarray) -> None:
    """Draws straight and bent lines: edges and corners that belong to no shape."""
    height, width = image.shape[:2]
    # OpenCV antialiases lines in 8-bit images only.
    canvas = np.clip(image, 0, 255).astype(np.uint8)
    for _ in range(rng.integers(0, 6)):
        points = rng.uniform((0, 0), (width, height), (rng.integers(2, 4), 2)).astype(np.int32)
        color = rng.uniform(0, 255, 3).tolist()
        cv2.polylines(canvas, [points], False, color, int(rng.integers(1, 4)), cv2.LINE_AA)
    image[:] = canvas
