"""`python -m runtime.bench FILE`: how long each stage of a frame takes, and how near that is to the model alone.

With `--against OTHER`, both files by turns and how much of the other's time the first takes.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from typing import List, Optional, Sequence, Tuple

import numpy as np

from runtime.against import compare
from runtime.command import run as run_command
from runtime.detector import Detector
from runtime.options import positive
from runtime.sources import open_source
from runtime.stages import Stages
from runtime.times import Times, table
from runtime.values import Frame

# Frames before the clock counts: caches and the interpreter's own set-up settle in these.
WARM_UP = 5
# The model alone is timed between frames in turns of this many, so that a machine that slows down
# slows down both.
TURN = 5
# As much as a source is read into memory: reading is not what is measured.
MOST_FRAMES_HELD = 64


@dataclass(frozen=True)
class Report:
    """`stages` by name in the order of work, then `total` and `bare invoke`, the model without
    anything around it. `ratio` is the time of bare invokes over that of whole frames: 1 is perfect."""

    file: str
    package: str
    frames: int
    threads: int
    load_ms: float
    first_ms: float
    ratio: float
    stages: Tuple[Tuple[str, Times], ...]

    def as_dict(self) -> dict:
        """For JSON."""
        return {**asdict(self), "stages": {name: asdict(times) for name, times in self.stages}}

    def __str__(self) -> str:
        return "\n".join(
            [
                f"{self.file}: {self.frames} frames, {self.threads} threads, {self.package}",
                table(self.stages),
                f"a frame at {self.ratio:.3f} of the model's own speed; "
                f"loaded in {self.load_ms:.0f} ms, first frame {self.first_ms:.1f} ms",
            ]
        )


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m runtime.bench", description=__doc__.partition(": ")[2])
    parser.add_argument("file", metavar="FILE", help="the detector, a .tflite")
    parser.add_argument("--source", metavar="SRC", help="a picture, a folder or a video (default: a made-up picture)")
    parser.add_argument("--frames", type=positive, default=200, metavar="N", help="frames to time (default 200)")
    parser.add_argument("--threads", type=positive, default=2, help="threads of the interpreter (default 2)")
    parser.add_argument("--against", metavar="OTHER", help="time another .tflite in turns with it")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    options = parser.parse_args(argv)
    if options.against:
        pictures = _pictures(options.source, options.frames)
        report = compare(options.file, options.against, pictures, frames=options.frames, threads=options.threads)
    else:
        report = bench(options.file, options.source, frames=options.frames, threads=options.threads)
    print(json.dumps(report.as_dict()) if options.json else report)
    return 0


def bench(file: str, source: Optional[str] = None, *, frames: int = 200, threads: int = 2) -> Report:
    """Times `frames` frames of `source`, over and over where it has fewer.

    Raises InputError for a file that is no detector or a source that cannot be read.
    """
    begin = time.perf_counter()
    detector = Detector(file, threads=threads)
    loaded = time.perf_counter()
    pictures = _pictures(source, frames)
    first = time.perf_counter()
    detector(pictures[0].image, pictures[0].color)
    first_ms = 1000 * (time.perf_counter() - first)
    for _ in range(WARM_UP):
        detector(pictures[0].image, pictures[0].color)

    stages, bare = Stages(), []
    while stages.frames < frames:
        for _ in range(min(TURN, frames - stages.frames)):
            stages.detect(detector, pictures[stages.frames % len(pictures)])
        for _ in range(min(TURN, frames - len(bare))):
            start = time.perf_counter()
            detector.bare_invoke()
            bare.append(1000 * (time.perf_counter() - start))
    total = np.sum([stages.preprocess, stages.invoke, stages.postprocess], axis=0)
    named = (
        ("preprocess", stages.preprocess),
        ("invoke", stages.invoke),
        ("postprocess", stages.postprocess),
        ("total", total),
        ("bare invoke", bare),
    )
    return Report(
        file=str(file),
        package=detector.package,
        frames=frames,
        threads=threads,
        load_ms=1000 * (loaded - begin),
        first_ms=first_ms,
        ratio=float(np.median(bare) / np.median(total)),
        stages=tuple((name, Times.of(values)) for name, values in named),
    )


def _pictures(source: Optional[str], frames: int) -> List[Frame]:
    if source is None:
        noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
        return [Frame(noise)]
    with open_source(source) as opened:
        held = []
        for frame in opened:
            held.append(frame)
            if len(held) == min(frames, MOST_FRAMES_HELD):
                break
        if len(held) < frames and opened.frames != len(held):
            print(f"note: the first {len(held)} frames of {source} are used over and over", file=sys.stderr)
        return held


if __name__ == "__main__":
    run_command(main)
