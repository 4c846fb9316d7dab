"""`python ios/bench.py`: the time of Swift's work around the model against Python's, for the same frames.

Builds the Swift package for release, then lets both take turns, so that a machine that slows down
slows down both. What counts is the ratio: 1.0 is as fast as Python.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from runtime.detector import Detector  # noqa: E402
from runtime.table import columns  # noqa: E402
from tensorflow_lite_c import Unavailable, folder  # noqa: E402

PACKAGE = ROOT / "ios" / "Detector"
SIZES = ((640, 480), (1280, 720))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python ios/bench.py", description=__doc__.partition(": ")[2])
    parser.add_argument("models", nargs="*", type=Path, metavar="FILE", help="detectors (default: those of tests/golden)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="turns of each language (default 5)")
    parser.add_argument("--frames", type=int, default=40, metavar="N", help="frames in a turn (default 40)")
    arguments = parser.parse_args()
    models = arguments.models or sorted((ROOT / "tests" / "golden").glob("*.tflite"))
    try:
        program = build()
    except Unavailable as reason:
        sys.exit(f"error: {reason}")
    rows = [("ms a frame", "frame", "Python", "Swift", "ratio")]
    for model in models:
        for width, height in SIZES:
            rows += measure(program, model, width, height, arguments.rounds, arguments.frames)
    print(columns(rows))
    return 0


def build() -> Path:
    """The release build of detector-bench."""
    library = folder()
    linker = ["-Xlinker", f"-L{library}", "-Xlinker", "-rpath", "-Xlinker", str(library)]
    command = ["swift", "build", "-c", "release", "--product", "detector-bench", *linker]
    subprocess.run(command, cwd=PACKAGE, check=True, stdout=sys.stderr)
    shown = subprocess.run([*command, "--show-bin-path"], cwd=PACKAGE, check=True, capture_output=True, text=True)
    return Path(shown.stdout.strip()) / "detector-bench"


def measure(program: Path, model: Path, width: int, height: int, rounds: int, frames: int) -> list[tuple[str, ...]]:
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    detector = Detector(model, score=0.3)
    python, swift = [], []
    with tempfile.NamedTemporaryFile(suffix=".rgb") as file:
        file.write(image.tobytes())
        file.flush()
        command = [str(program), str(model), file.name, str(width), str(height), str(frames)]
        for _ in range(rounds):
            python.append(in_python(detector, image, frames))
            said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            swift.append((said["preprocess"], said["postprocess"]))
    # The best turn of each: what disturbs a turn only ever makes it slower.
    ours, theirs = np.min(swift, axis=0), np.min(python, axis=0)
    stages = (("preprocess", theirs[0], ours[0]), ("postprocess", theirs[1], ours[1]), ("both", theirs.sum(), ours.sum()))
    return [
        (f"{model.stem} {stage}", f"{width}x{height}", f"{a:.3f}", f"{b:.3f}", f"{b / a:.2f}") for stage, a, b in stages
    ]


def in_python(detector: Detector, image: np.ndarray, frames: int) -> tuple[float, float]:
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


if __name__ == "__main__":
    raise SystemExit(main())
