"""Compares pre- and postprocessing times of a wrapper for phones with Python's, for the same frames.

Both are timed in interleaved rounds, so that a slowdown of the machine affects both, and each uses one thread. The
result is the ratio: 1.0 is as fast as Python. YUV rows are for camera frames: Python converts the whole frame to RGB
with OpenCV first, while the wrapper converts only the pixels that it needs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np
from tqdm import tqdm

from runtime.common.errors import KitError
from runtime.common.opencv import cv2
from runtime.common.options import positive
from runtime.common.tables import columns
from runtime.inference.detector import Detector
from tests.support.paths import ROOT
from tests.support.wheel_download import Unavailable

SIZES = ((640, 480), (1280, 720))


class Times(NamedTuple):
    """Median milliseconds per frame; `yuv` is preprocessing of a YUV frame."""

    preprocess: float
    postprocess: float
    yuv: float


def main(prog: str, language: str, build: Callable[[], Sequence[str]], argv: Sequence[str] | None = None) -> int:
    """The command line of `ios/bench.py` and `android/bench.py`.

    `build` compiles the wrapper's benchmark and returns the command that runs it; see `table`.
    """
    parser = argparse.ArgumentParser(
        prog=prog,
        description=f"Compare pre- and postprocessing times of the {language} wrapper with Python's, as ratios.",
        epilog=f"example: {prog} --rounds 3 tests/golden/detector_int8.tflite",
    )
    parser.add_argument("models", nargs="*", type=Path, metavar="FILE", help="detectors (default: those of tests/golden)")
    group = parser.add_argument_group("measurement")
    group.add_argument(
        "--rounds", type=positive, default=5, metavar="N", help="measurements of each language (default: %(default)s)"
    )
    group.add_argument(
        "--frames", type=positive, default=40, metavar="N", help="frames per measurement (default: %(default)s)"
    )
    arguments = parser.parse_args(argv)
    models = arguments.models or sorted((ROOT / "tests" / "golden").glob("*.tflite"))
    try:
        print(table(language, build(), models, arguments.rounds, arguments.frames))
    except Unavailable as reason:
        raise KitError(str(reason)) from reason
    return 0


def table(language: str, command: Sequence[str], models: Sequence[Path], rounds: int, frames: int) -> str:
    """A table of milliseconds per frame before and after each model.

    `command` is called with a model, a file of RGB bytes, width and height in pixels and the number of frames. It
    prints its `Times` as a JSON object. Its YUV frame is made of the file's first bytes: luma, then interleaved U and V.
    """
    cv2.setNumThreads(1)
    rows: list[tuple[str, ...]] = [("ms a frame", "frame", "Python", language, "ratio")]
    with tqdm(total=len(models) * len(SIZES) * rounds, unit="round") as progress:
        for model in models:
            for width, height in SIZES:
                rows += _measure(command, model, width, height, rounds, frames, progress)
    return columns(rows)


def _measure(
    command: Sequence[str], model: Path, width: int, height: int, rounds: int, frames: int, progress: tqdm[NoReturn]
) -> list[tuple[str, ...]]:
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    detector = Detector(model, score=0.3)
    python: list[Times] = []
    wrapper: list[Times] = []
    with tempfile.NamedTemporaryFile(suffix=".rgb") as file:
        file.write(image.tobytes())
        file.flush()
        whole = [*command, str(model), file.name, str(width), str(height), str(frames)]
        for _ in range(rounds):
            python.append(_in_python(detector, image, frames))
            printed = subprocess.run(whole, check=True, capture_output=True, text=True).stdout
            wrapper.append(Times(**json.loads(printed)))
            progress.update()
    stages = zip(_stages(_best(python)), _stages(_best(wrapper)), strict=True)
    return [
        (f"{model.stem} {stage}", f"{width}x{height}", f"{theirs:.3f}", f"{ours:.3f}", f"{ours / theirs:.2f}")
        for (stage, theirs), (_, ours) in stages
    ]


def _best(rounds: Sequence[Times]) -> Times:
    """The lowest times: disturbances only make a round slower."""
    return Times(*(min(times) for times in zip(*rounds, strict=True)))


def _stages(times: Times) -> list[tuple[str, float]]:
    return [
        ("preprocess", times.preprocess),
        ("postprocess", times.postprocess),
        ("both", times.preprocess + times.postprocess),
        ("preprocess YUV", times.yuv),
        ("both YUV", times.postprocess + times.yuv),
    ]


def _in_python(detector: Detector, image: np.ndarray, frames: int) -> Times:
    """Measures Python with `image`, RGB of shape (height, width, 3) and type uint8."""
    height, width = image.shape[:2]
    pixels = width * height
    luma, chroma = np.split(image.ravel()[: pixels * 3 // 2], [pixels])
    luma, chroma = luma.reshape(height, width), chroma.reshape(height // 2, width // 2, 2)
    seconds: list[Times] = []
    for _ in range(frames + 3):
        start = time.perf_counter()
        tensor = detector.preprocess(image, "RGB")
        ready = time.perf_counter()
        raw = detector.invoke(tensor)
        done = time.perf_counter()
        detector.postprocess(raw, width, height)
        end = time.perf_counter()
        detector.preprocess(cv2.cvtColorTwoPlane(luma, chroma, cv2.COLOR_YUV2RGB_NV12), "RGB")
        seconds.append(Times(ready - start, end - done, time.perf_counter() - end))
    # The first frames warm up caches.
    return Times(*(1000 * float(np.median(times)) for times in zip(*seconds[3:], strict=True)))
