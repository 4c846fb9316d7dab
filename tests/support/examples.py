"""Runs the programs of `examples/` as a user does, and makes what they look at.

The detector is the small one of the golden files, which finds bright patches, so that TensorFlow is not needed.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Mapping, Sequence, Tuple
from unittest import mock

import numpy as np

from runtime.common.opencv import cv2
from tests.support.paths import GOLDEN, ROOT

# 48 x 96; its classes are red, green and blue.
DETECTOR = str(GOLDEN / "rectangle_int8.tflite")
HEIGHT, WIDTH = 144, 288
SIDE = 24
_CHANNELS = {"blue": 0, "green": 1, "red": 2}

# Where a patch of each color has its left upper corner, x and y in pixels.
Patches = Mapping[str, Tuple[int, int]]


def run_example(name: str, *arguments: object) -> None:
    """Runs `python examples/NAME.py ARGUMENTS` in this process. Raises SystemExit where it ends with an error."""
    path = str(ROOT / "examples" / f"{name}.py")
    with mock.patch.object(sys, "argv", [path, *map(str, arguments)]):
        runpy.run_path(path, run_name="__main__")


def frame(patches: Patches) -> np.ndarray:
    """uint8 [HEIGHT, WIDTH, 3] in BGR: bright patches on dark noise."""
    image = np.random.default_rng(0).integers(0, 60, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    for color, (x, y) in patches.items():
        image[y : y + SIDE, x : x + SIDE] = 20
        image[y : y + SIDE, x : x + SIDE, _CHANNELS[color]] = 240
    return image


def video(path: Path, frames: Sequence[Patches], fps: float = 10.0) -> Path:
    """Writes a video (.avi), one frame for each item."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), fps, (WIDTH, HEIGHT))
    for patches in frames:
        writer.write(frame(patches))
    writer.release()
    return path


def image_folder(folder: Path, images: Mapping[str, Patches]) -> Path:
    """Writes one image for each name."""
    folder.mkdir()
    for name, patches in images.items():
        cv2.imwrite(str(folder / name), frame(patches))
    return folder
