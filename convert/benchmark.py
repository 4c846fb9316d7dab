"""Compares the files of a converted run: size, AP, AP50 and milliseconds per frame."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Optional

from convert.evaluation import images
from convert.evaluation.evaluate import evaluate_file
from convert.evaluation.images import EvaluationSet
from runtime.bench.interleaving import time_detectors
from runtime.boxes.tiles import Tiles
from runtime.common.command import run as run_command
from runtime.common.errors import InputError
from runtime.common.options import positive
from runtime.common.tables import columns
from runtime.common.values import Frame
from runtime.inference.detector import Detector
from train.run.run_folder import RunFolder, open_run

# Images are held in memory, so that the time to read them is not measured.
MOST_IMAGES_HELD = 32


@dataclass(frozen=True)
class Row:
    """A file's figures.

    `bytes` is its size on disk. `ap` and `ap50` are measured on the run's validation images and None where
    they have no boxes. `ms` is the median time from image to detections, None for the checkpoint.
    """

    file: str
    bytes: int
    ap: Optional[float]
    ap50: Optional[float]
    ms: Optional[float]


_EXAMPLES = """example:
  python -m convert.benchmark runs/NAME --frames 200
"""


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m convert.benchmark",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", metavar="RUN", help="folder of a converted run")
    parser.add_argument(
        "--frames", type=positive, default=100, metavar="N", help="frames to time with each file (default: 100)"
    )
    parser.add_argument(
        "--threads", type=positive, default=2, metavar="N", help="threads of the interpreter (default: 2)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    run = open_run(options.run)
    rows = benchmark(run, frames=options.frames, threads=options.threads, progress=sys.stderr.isatty())
    if options.json:
        print(json.dumps({"run": str(run.path), "threads": options.threads, "files": [asdict(row) for row in rows]}))
    else:
        print(table(rows))
    return 0


def benchmark(run: RunFolder, *, frames: int = 100, threads: int = 2, progress: bool = True) -> tuple[Row, ...]:
    """Measures every detector in the export folder of `run`.

    The first row is the checkpoint's, with the figures that training measured; then follows one row per file. Of a run that
    was trained on tiles, files are measured and timed through these.
    Files that the runtime cannot run here, such as those compiled for the Edge TPU, are named on standard
    error and left out. Raises InputError where `run` has no metrics or no converted file.
    """
    tiles = run.tiles()
    detectors = _detectors(run.export, threads, tiles)
    data = images.of_run(run).through(tiles)
    times = milliseconds(detectors, _frames(data), frames)
    metrics = run.metrics()
    size = sum(file.stat().st_size for file in run.checkpoint.iterdir() if file.is_file())
    rows = [Row("checkpoint", size, metrics["AP"], metrics["AP50"], None)]
    for path in detectors:
        measured = evaluate_file(path, data, threads=threads, progress=progress)
        rows.append(Row(path.name, path.stat().st_size, measured["AP"], measured["AP50"], times[path]))
    return tuple(rows)


def milliseconds(detectors: Mapping[Path, Detector], images: Sequence[Frame], frames: int) -> dict[Path, float]:
    """Median milliseconds from image to detections, for each detector.

    The runs are interleaved. Each detector gets `frames` frames; `images` are repeated where there are fewer.
    """
    times = time_detectors(detectors, images, frames)
    return {path: statistics.median(stages.total) for path, stages in times.items()}


def table(rows: Sequence[Row]) -> str:
    """The rows as text: aligned columns, numbers to the right."""
    cells = [("file", "size", "AP", "AP50", "ms a frame")]
    cells += [
        (row.file, f"{row.bytes / 1e6:.2f} MB", _number(row.ap, 3), _number(row.ap50, 3), _number(row.ms, 1))
        for row in rows
    ]
    return columns(cells)


def _detectors(folder: Path, threads: int, tiles: Optional[Tiles]) -> dict[Path, Detector]:
    detectors = {}
    for path in sorted(folder.glob("*.tflite")):
        # A file that failed its gate is kept for inspection, and is no result of the run.
        if path.name.endswith(".rejected.tflite"):
            continue
        try:
            detectors[path] = Detector(path, threads=threads, tiles=tiles)
        except InputError as error:
            print(f"left out: {error}", file=sys.stderr)
    if not detectors:
        raise InputError(f"{folder}: no .tflite to measure; make one with `python -m convert --run {folder.parent}`")
    return detectors


def _frames(data: EvaluationSet) -> list[Frame]:
    return [Frame(image.load()) for image in data.images[:MOST_IMAGES_HELD]]


def _number(value: Optional[float], digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


if __name__ == "__main__":
    run_command(main)
