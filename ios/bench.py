"""`python ios/bench.py`: the time of Swift's work around the model against Python's, for the same frames.

Builds the Swift package for release, then lets both take turns, so that a machine that slows down
slows down both. What counts is the ratio: 1.0 is as fast as Python.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from runtime.common.command import run  # noqa: E402
from runtime.common.options import positive  # noqa: E402
from tests.support.phone_bench import table  # noqa: E402
from tests.support.tensorflow_lite_c import Unavailable, folder  # noqa: E402

PACKAGE = ROOT / "ios" / "Detector"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python ios/bench.py", description=__doc__.partition(": ")[2])
    parser.add_argument("models", nargs="*", type=Path, metavar="FILE", help="detectors (default: those of tests/golden)")
    parser.add_argument("--rounds", type=positive, default=5, metavar="N", help="turns of each language (default 5)")
    parser.add_argument("--frames", type=positive, default=40, metavar="N", help="frames in a turn (default 40)")
    arguments = parser.parse_args(argv)
    models = arguments.models or sorted((ROOT / "tests" / "golden").glob("*.tflite"))
    try:
        program = build()
    except Unavailable as reason:
        sys.exit(f"error: {reason}")
    print(table("Swift", [str(program)], models, arguments.rounds, arguments.frames))
    return 0


def build() -> Path:
    """The release build of detector-bench."""
    library = folder()
    linker = ["-Xlinker", f"-L{library}", "-Xlinker", "-rpath", "-Xlinker", str(library)]
    command = ["swift", "build", "-c", "release", "--product", "detector-bench", *linker]
    subprocess.run(command, cwd=PACKAGE, check=True, stdout=sys.stderr)
    shown = subprocess.run([*command, "--show-bin-path"], cwd=PACKAGE, check=True, capture_output=True, text=True)
    return Path(shown.stdout.strip()) / "detector-bench"


if __name__ == "__main__":
    run(main)
