"""An engine of one's own: the CPU, with a pause before each run while the board is too hot.

    python examples/own_engine.py detector_int8.tflite street.mp4

Copied to runtime/inference/engines/cool.py, it gives `--engine cool`. For a chip, `native` calls its maker's library.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from runtime import KitError, run
from runtime.inference import engines
from runtime.inference.engines import Engine, Request, cpu

KIND = "the CPU, with pauses while it is hot"
RANK = 900  # `--engine auto` tries the lowest rank first, so that this one is taken only by its name
SENSOR = os.environ.get("COOL_SENSOR", "/sys/class/thermal/thermal_zone0/temp")  # thousandths of a degree Celsius
LIMIT = float(os.environ.get("COOL_LIMIT", "75"))  # a Raspberry Pi slows itself down from 80 on
unfit = cpu.unfit  # why a file cannot be run: what the CPU cannot run, this cannot


def load(path: str, request: Request) -> Engine:
    """Loads the file `path`. Raises InputError where it is refused."""
    engine = cpu.load(path, request)
    return replace(engine, native=PausedWhenHot(engine.native), what=f"{engine.what}, below {LIMIT:g} degrees")


class PausedWhenHot:
    """What the kit calls: allocate_tensors, get_input_details, get_output_details, set_tensor, invoke, get_tensor."""

    def __init__(self, interpreter: Any) -> None:
        self._interpreter = interpreter

    def invoke(self) -> None:
        """Waits for at most two seconds, less than the kit's watchdog does, and runs the model."""
        end = time.monotonic() + 2
        while temperature() > LIMIT and time.monotonic() < end:
            time.sleep(0.1)
        self._interpreter.invoke()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._interpreter, name)


def temperature() -> float:
    """Degrees Celsius; 0 where there is no such sensor."""
    try:
        return int(Path(SENSOR).read_text()) / 1000
    except (OSError, ValueError):
        return 0.0


def main() -> None:
    """Runs the engine from a folder that this process adds to those with engines: the kit stays as it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", default="detector_int8.tflite", help="the detector")
    parser.add_argument("source", nargs="?", default="0", help="a video, a camera or a stream (default: camera 0)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(__file__, Path(folder) / "cool.py")
        engines.__path__.append(folder)
        # The watchdog would run the engine in another process, which does not know that folder.
        for frame, detections in run(file=arguments.file, source=arguments.source, engine="cool", watchdog=0):
            print(frame.index, *(f"{found.label} {found.score:.2f}" for found in detections))


if __name__ == "__main__":
    try:
        main()
    except KitError as error:  # a missing file, a camera that is away: one line says what to do
        sys.exit(f"error: {error}")
