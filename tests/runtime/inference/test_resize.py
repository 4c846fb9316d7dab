"""The arithmetic of `runtime.inference.preprocessing.resize` in NumPy, as the wrappers for phones implement it."""

from __future__ import annotations

import platform

import numpy as np
import pytest

from runtime.inference import preprocessing

# On other processors OpenCV hands over to libraries that round otherwise; see `resize`.
STEPS = 0 if platform.machine().lower() in ("x86_64", "amd64") else 2


def places(source: int, target: int) -> tuple[np.ndarray, np.ndarray]:
    """For each target pixel, the source pixel at or before it, and the weight of the next one."""
    scale = 1.0 / (np.float64(target) / source)
    position = ((np.arange(target) + 0.5) * scale - 0.5).astype(np.float32)
    first = np.floor(position)
    return first.astype(np.int64), position - first


def weights(share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.rint(part * np.float32(2048)).astype(np.int64) for part in (np.float32(1) - share, share))


def resize(rgb: np.ndarray, width: int, height: int) -> np.ndarray:
    rows, columns = rgb.shape[:2]
    image = rgb.astype(np.int64)
    if (rows, columns) == (height, width):
        return rgb
    if (rows, columns) == (2 * height, 2 * width):
        four = image[::2, ::2] + image[::2, 1::2] + image[1::2, ::2] + image[1::2, 1::2]
        return ((four + 2) >> 2).astype(np.uint8)
    left, share = places(columns, width)
    share[(left < 0) | (left >= columns - 1)] = 0
    left = np.clip(left, 0, columns - 1)
    w0, w1 = (w[:, None] for w in weights(share))
    across = w0 * image[:, left] + w1 * image[:, np.minimum(left + 1, columns - 1)]
    top, share = places(rows, height)
    w0, w1 = (w[:, None, None] for w in weights(share))
    upper, lower = (across[np.clip(row, 0, rows - 1)] >> 4 for row in (top, top + 1))
    return (((w0 * upper >> 16) + (w1 * lower >> 16) + 2) >> 2).astype(np.uint8)


def same(rgb: np.ndarray, width: int, height: int) -> None:
    found = preprocessing.resize(rgb, (height, width), "RGB").astype(int)
    off = np.abs(found - resize(rgb, width, height)).max()
    assert off <= STEPS, f"{rgb.shape[1]} x {rgb.shape[0]} to {width} x {height}: {off} steps away"


@pytest.mark.parametrize("part", range(4))
def test_random_sizes(part):
    random = np.random.default_rng(part)
    for _ in range(100):
        # Uniform in the logarithm, so that thin and tiny images occur too.
        rows, columns = (int(2 ** random.uniform(0, 9)) for _ in range(2))
        height, width = (int(2 ** random.uniform(0, 8)) for _ in range(2))
        same(random.integers(0, 256, (rows, columns, 3), np.uint8), width, height)


@pytest.mark.parametrize(
    ("columns", "rows"),
    [(640, 480), (480, 640), (1280, 720), (640, 640), (640, 320), (320, 640), (641, 639), (321, 321), (399, 300), (1, 1)],
)
def test_common_sizes(columns, rows):
    same(np.random.default_rng(0).integers(0, 256, (rows, columns, 3), np.uint8), 320, 320)


def test_extremes_stay_in_range():
    for value in (0, 255):
        flat = np.full((31, 47, 3), value, np.uint8)
        assert np.array_equal(preprocessing.resize(flat, 20, "RGB"), np.full((20, 20, 3), value, np.uint8))
