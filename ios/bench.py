"""`python ios/bench.py`: compare pre- and postprocessing times of the Swift wrapper with Python's.

The Swift package is built for release on this machine. Times are the processor's for one thread, so that other programs
on the machine disturb them little. YUV frames are in full range, as the app asks the camera for, and in video range.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from runtime.common.command import run
from tests.support import phone_bench, tensorflow_lite_c
from tests.support.paths import ROOT

PACKAGE = ROOT


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command."""
    return phone_bench.main("python ios/bench.py", "Swift", build, argv, time.thread_time)


def build() -> list[str]:
    """Builds the product edge-detection-bench for release and returns the command that runs it."""
    library = tensorflow_lite_c.folder()
    linker = ["-Xlinker", f"-L{library}", "-Xlinker", "-rpath", "-Xlinker", str(library)]
    command = ["swift", "build", "-c", "release", "--product", "edge-detection-bench", *linker]
    subprocess.run(command, cwd=PACKAGE, check=True, stdout=sys.stderr)
    shown = subprocess.run([*command, "--show-bin-path"], cwd=PACKAGE, check=True, capture_output=True, text=True)
    return [str(Path(shown.stdout.strip()) / "edge-detection-bench")]


if __name__ == "__main__":
    run(main)
