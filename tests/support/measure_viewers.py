"""Measures how much viewers of the live page slow down the detection loop.

Runs with and without viewers are interleaved, on the same frames. The viewers are a separate process that takes
every image it can get, as browsers do. It is not a test, as it needs an idle machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Tuple

from runtime.inference.detector import Detector
from runtime.pipeline.loop import run
from runtime.sinks import open_sink
from runtime.sources import open_source
from tests.support.ports import free_port


async def watch(port: int, number: int) -> int:
    """Receives images with `number` viewers until the page closes; returns the number of images."""
    from websockets.asyncio.client import connect
    from websockets.exceptions import ConnectionClosed

    async def one() -> int:
        seen = 0
        while True:
            try:
                async with connect(f"ws://127.0.0.1:{port}/live", compression=None, max_size=None) as viewer:
                    async for message in viewer:
                        if isinstance(message, bytes):
                            seen += 1
                            await viewer.send('{"next": true}')
                return seen
            except ConnectionClosed:
                return seen
            except OSError:
                await asyncio.sleep(0.05)

    return sum(await asyncio.gather(*(one() for _ in range(number))))


def measure(detector: Detector, source: str, frames: int, viewers: int) -> Tuple[float, float, int]:
    """Runs `frames` frames with `viewers` viewers.

    Returns frames per second, CPU seconds of this process per frame, and the number of images sent to viewers.
    """
    port = free_port()
    os.environ.pop("EDGE_DETECTOR_TOKEN", None)
    command = [sys.executable, "-m", "tests.support.measure_viewers", "--watch", str(port), str(viewers)]
    watching = subprocess.Popen(command, stdout=subprocess.PIPE)
    begin = time.process_time()
    with open_source(source) as opened, open_sink(f"serve:{port}", opened) as sink:
        summary = run(detector, opened, [sink], frames)
    used = time.process_time() - begin
    seen, _ = watching.communicate(timeout=60)
    return summary.fps, used / summary.frames, int(seen)


def main() -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.measure_viewers",
        description=__doc__.partition("\n")[0],
        epilog="example:\n  python -m tests.support.measure_viewers detector_int8.tflite video.mp4 --viewers 10",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", help="a detection .tflite")
    parser.add_argument("source", metavar="SOURCE", help="a source, as `python -m runtime --source` takes it")
    parser.add_argument("--viewers", type=int, default=10, metavar="N", help="viewers of the page (default: 10)")
    parser.add_argument("--frames", type=int, default=400, metavar="N", help="frames of each run (default: 400)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="pairs of runs (default: 5)")
    options = parser.parse_args()
    detector = Detector(options.file)
    ratios = []
    for _ in range(options.rounds):
        alone, used_alone, _ = measure(detector, options.source, options.frames, 0)
        watched, used, seen = measure(detector, options.source, options.frames, options.viewers)
        ratios.append(watched / alone)
        print(
            f"{alone:.1f} frames/s alone, {watched:.1f} with {options.viewers} viewers, who received {seen} images: "
            f"{ratios[-1]:.3f}; CPU per frame {1000 * used_alone:.1f} ms alone, {1000 * used:.1f} ms watched",
            flush=True,
        )
    print(f"median of {options.rounds}: {statistics.median(ratios):.3f} of the speed without viewers")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--watch"]:
        print(asyncio.run(watch(int(sys.argv[2]), int(sys.argv[3]))))
    else:
        main()
