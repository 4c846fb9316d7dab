"""Compares the pre- and post-processing times of a phone wrapper with those of Python, on the same frames.

The runs are interleaved, so that a machine that slows down slows down both; each uses one thread. The ratio is
what counts: at 1.0 the wrapper is as fast as Python. The rows "YUV" are for camera frames as phones deliver them:
Python converts the whole frame to RGB with OpenCV first, the wrapper converts only the pixels that it needs.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from runtime.common.opencv import cv2
from runtime.common.tables import columns
from runtime.inference.detector import Detector

SIZES = ((640, 480), (1280, 720))


def table(language: str, command: Sequence[str], models: Sequence[Path], rounds: int, frames: int) -> str:
    """A table of the milliseconds per frame before and after the model, for each of `models`.

    `command` is called with a model, a file of RGB bytes, width, height and the number of frames, and prints its
    medians as JSON. For the YUV frame it takes the first bytes of the file: luma, then U and V interleaved.
    """
    cv2.setNumThreads(1)
    rows = [("ms a frame", "frame", "Python", language, "ratio")]
    with tqdm(total=len(models) * len(SIZES) * rounds, unit="run") as progress:
        for model in models:
            for width, height in SIZES:
                rows += _measure(command, model, width, height, rounds, frames, progress)
    return columns(rows)


def _measure(
    command: Sequence[str], model: Path, width: int, height: int, rounds: int, frames: int, progress: tqdm
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
            times = json.loads(subprocess.run(whole, check=True, capture_output=True, text=True).stdout)
            other.append((times["preprocess"], times["postprocess"], times["yuv"]))
            progress.update()
    # The best run of each: disturbances only make a run slower.
    ours, theirs = np.min(other, axis=0), np.min(python, axis=0)
    stages = [*zip(("preprocess", "postprocess"), theirs, ours), ("both", theirs[:2].sum(), ours[:2].sum())]
    stages += [("preprocess YUV", theirs[2], ours[2]), ("both YUV", theirs[1] + theirs[2], ours[1] + ours[2])]
    return [
        (f"{model.stem} {stage}", f"{width}x{height}", f"{a:.3f}", f"{b:.3f}", f"{b / a:.2f}") for stage, a, b in stages
    ]


def _in_python(detector: Detector, image: np.ndarray, frames: int) -> tuple[float, float, float]:
    """Median milliseconds of preprocessing, of post-processing, and of preprocessing a YUV frame."""
    height, width = image.shape[:2]
    pixels = width * height
    luma, chroma = np.split(image.ravel()[: pixels * 3 // 2], [pixels])
    luma, chroma = luma.reshape(height, width), chroma.reshape(height // 2, width // 2, 2)
    before, after, yuv = [], [], []
    for _ in range(frames + 3):
        start = time.perf_counter()
        tensor = detector.preprocess(image, "RGB")
        ready = time.perf_counter()
        raw = detector.invoke(tensor)
        done = time.perf_counter()
        detector.postprocess(raw, width, height)
        before.append(ready - start)
        after.append(time.perf_counter() - done)
        start = time.perf_counter()
        detector.preprocess(cv2.cvtColorTwoPlane(luma, chroma, cv2.COLOR_YUV2RGB_NV12), "RGB")
        yuv.append(time.perf_counter() - start)
    before, after, yuv = (1000 * float(np.median(times[3:])) for times in (before, after, yuv))
    return before, after, yuv
