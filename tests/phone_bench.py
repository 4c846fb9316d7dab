"""The time of a wrapper's work around the model against Python's, for the same frames.

Both take turns, so that a machine that slows down slows down both. What counts is the ratio: 1.0 is as
fast as Python.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from runtime.detector import Detector
from runtime.table import columns

SIZES = ((640, 480), (1280, 720))


def table(language: str, command: Sequence[str], models: Sequence[Path], rounds: int, frames: int) -> str:
    """Milliseconds a frame before and after each model.

    `command`, given a model, a file of RGB bytes, width, height and the number of frames, prints its own
    medians as JSON.
    """
    rows = [("ms a frame", "frame", "Python", language, "ratio")]
    for model in models:
        for width, height in SIZES:
            rows += _measure(command, model, width, height, rounds, frames)
    return columns(rows)


def _measure(
    command: Sequence[str], model: Path, width: int, height: int, rounds: int, frames: int
) -> list[tuple[str, ...]]:
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    detector = Detector(model, score=0.3)
    python, other = [], []
    with tempfile.NamedTemporaryFile(suffix=".rgb") as file:
        file.write(image.tobytes())
        file.flush()
        whole = [*command, str(model), file.name, str(width), str(height), str(frames)]
        for _ in range(rounds):
            python.append(_in_python(detector, image, frames))
            said = json.loads(subprocess.run(whole, check=True, capture_output=True, text=True).stdout)
            other.append((said["preprocess"], said["postprocess"]))
    # The best turn of each: what disturbs a turn only ever makes it slower.
    ours, theirs = np.min(other, axis=0), np.min(python, axis=0)
    stages = (("preprocess", theirs[0], ours[0]), ("postprocess", theirs[1], ours[1]), ("both", theirs.sum(), ours.sum()))
    return [
        (f"{model.stem} {stage}", f"{width}x{height}", f"{a:.3f}", f"{b:.3f}", f"{b / a:.2f}") for stage, a, b in stages
    ]


def _in_python(detector: Detector, image: np.ndarray, frames: int) -> tuple[float, float]:
    """Median milliseconds before and after the model."""
    height, width = image.shape[:2]
    before, after = [], []
    for _ in range(frames + 3):
        start = time.perf_counter()
        tensor = detector.preprocess(image, "RGB")
        ready = time.perf_counter()
        raw = detector.invoke(tensor)
        done = time.perf_counter()
        detector.postprocess(raw, width, height)
        before.append(ready - start)
        after.append(time.perf_counter() - done)
    return 1000 * float(np.median(before[3:])), 1000 * float(np.median(after[3:]))
