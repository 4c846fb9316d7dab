"""Compares pre- and postprocessing times of a wrapper for phones with Python's, for the same frames.

Both are timed in interleaved rounds, so that a slowdown of the machine affects both, and each uses one thread. The
result is the ratio: 1.0 is as fast as Python. YUV rows are for camera frames: Python converts the whole frame to RGB
with OpenCV first, while the wrapper converts only the pixels that it needs. OpenCV converts the video range only; the
wrapper's time for the full range is compared with the same one.
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
    """Median milliseconds per frame.

    `yuv` is preprocessing of a YUV frame, by a wrapper of one in full range; `yuv_video` of one in video range, None
    where the wrapper measures none.
    """

    preprocess: float
    postprocess: float
    yuv: float
    yuv_video: float | None = None


def main(
    prog: str,
    language: str,
    build: Callable[[], Sequence[str]],
    argv: Sequence[str] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> int:
    """The command line of `ios/bench.py` and `android/bench.py`.

    `build` compiles the wrapper's benchmark and returns the command that runs it; see `table`. `clock` gives the
    seconds that Python is timed by, of the same kind as the wrapper's.
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
    models = arguments.models or sorted((ROOT / "tests" / "golden").glob("detector_*.tflite"))
    try:
        print(table(language, build(), models, arguments.rounds, arguments.frames, clock))
    except Unavailable as reason:
        raise KitError(str(reason)) from reason
    return 0


def table(
    language: str,
    command: Sequence[str],
    models: Sequence[Path],
    rounds: int,
    frames: int,
    clock: Callable[[], float] = time.perf_counter,
) -> str:
    """A table of milliseconds per frame before and after each model.

    `command` is called with a model, a file of RGB bytes, width and height in pixels and the number of frames. It
    prints its `Times` as a JSON object. Its YUV frame is made of the file's first bytes: luma, then interleaved U and V.
    """
    cv2.setNumThreads(1)
    rows: list[tuple[str, ...]] = [("ms a frame", "frame", "Python", language, "ratio")]
    with tqdm(total=len(models) * len(SIZES) * rounds, unit="round") as progress:
        for model in models:
            for width, height in SIZES:
                rows += _measure(command, model, width, height, rounds, frames, progress, clock)
    return columns(rows)


def _measure(
    command: Sequence[str],
    model: Path,
    width: int,
    height: int,
    rounds: int,
    frames: int,
    progress: tqdm[NoReturn],
    clock: Callable[[], float],
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
            python.append(_in_python(detector, image, frames, clock))
            printed = subprocess.run(whole, check=True, capture_output=True, text=True).stdout
            wrapper.append(Times(**json.loads(printed)))
            progress.update()
    theirs, ours = _stages(_best(python)), _stages(_best(wrapper))
    return [
        (f"{model.stem} {stage}", f"{width}x{height}", f"{theirs[stage]:.3f}", f"{one:.3f}", f"{one / theirs[stage]:.2f}")
        for stage, one in ours.items()
    ]


def _best(rounds: Sequence[Times]) -> Times:
    """The lowest times: disturbances only make a round slower."""
    known = [[time for time in times if time is not None] for times in zip(*rounds, strict=True)]
    return Times(*(min(times) for times in known if times))


def _stages(times: Times) -> dict[str, float]:
    stages = {
        "preprocess": times.preprocess,
        "postprocess": times.postprocess,
        "both": times.preprocess + times.postprocess,
        "preprocess YUV": times.yuv,
        "both YUV": times.postprocess + times.yuv,
    }
    if times.yuv_video is not None:
        stages["preprocess YUV, video range"] = times.yuv_video
        stages["both YUV, video range"] = times.postprocess + times.yuv_video
    return stages


def _in_python(detector: Detector, image: np.ndarray, frames: int, clock: Callable[[], float]) -> Times:
    """Measures Python with `image`, RGB of shape (height, width, 3) and type uint8."""
    height, width = image.shape[:2]
    pixels = width * height
    luma, chroma = np.split(image.ravel()[: pixels * 3 // 2], [pixels])
    luma, chroma = luma.reshape(height, width), chroma.reshape(height // 2, width // 2, 2)
    seconds: list[tuple[float, float, float]] = []
    for _ in range(frames + 3):
        start = clock()
        tensor = detector.preprocess(image, "RGB")
        ready = clock()
        raw = detector.invoke(tensor)
        done = clock()
        detector.postprocess(raw, width, height)
        end = clock()
        detector.preprocess(cv2.cvtColorTwoPlane(luma, chroma, cv2.COLOR_YUV2RGB_NV12), "RGB")
        seconds.append((ready - start, end - done, clock() - end))
    # The first frames warm up caches.
    preprocess, postprocess, yuv = (1000 * float(np.median(times)) for times in zip(*seconds[3:], strict=True))
    return Times(preprocess, postprocess, yuv, yuv)
