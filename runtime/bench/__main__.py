"""`python -m runtime.bench FILE`: times each stage of a detector and compares the total with the model alone."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

import numpy as np

from runtime.bench import cold_start
from runtime.bench.baselines import MEDIAPIPE, name_apart, open_baseline
from runtime.bench.cold_start import ColdStart
from runtime.bench.interleaving import BATCH, Ratio, rounds
from runtime.bench.percentiles import Times
from runtime.bench.processor_time import Mark, Span, core_time, of_process, own_and_of
from runtime.bench.report import Report
from runtime.bench.stages import Stages
from runtime.boxes.tiles import Tiles, advice
from runtime.boxes.tiles import tiles as tiles_type
from runtime.common.command import run as run_command
from runtime.common.command_parser import Parser
from runtime.common.options import old_name, positive
from runtime.common.values import Detection, Frame
from runtime.frames.queue import BLOCK_SIZE
from runtime.inference.detector import Detector
from runtime.inference.engines import Request, names
from runtime.inference.process.engine import EngineProcess
from runtime.inference.process.shared_tensors import SLOTS
from runtime.media import images
from runtime.pipeline import loop
from runtime.sinks.json_lines import JsonLines
from runtime.sources import Source, open_source

# Frames before timing starts, in which caches fill and the interpreter sets itself up.
WARM_UP = 5
# The loop is timed in longer batches, since its stages fill during the first FILLING frames, which do not count.
LOOP_BATCH = 25
FILLING = SLOTS + BLOCK_SIZE
# At most this many frames of the source are held in memory, for single frames. The loop plays the source itself.
MOST_FRAMES_HELD = 64
# Names in tables of times, beside those of the baselines.
_KIT, _BARE, _DECODING = "the kit", "bare invoke", "decoding"
# Frames of the run whose cold start is measured.
COLD_START_FRAMES = 60
# Long enough that the watchdog does not end a measurement on a busy machine.
HANG_SECONDS = 120.0

_EPILOG = f"""\
examples:
  python -m runtime.bench detector_int8.tflite
  python -m runtime.bench detector_int8.tflite --source street.mp4 --baseline detector_float16.tflite
  python -m runtime.bench detector_int8.tflite --source street.mp4 --baseline {MEDIAPIPE} \\
      --mediapipe-python mp/bin/python
"""


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Runs the command with the arguments `argv` (default: those of the process) and returns its exit code."""
    options = _parser().parse_args(argv)
    report = bench(
        options.file,
        options.source,
        frames=options.frames,
        request=Request(options.engine, options.device, options.threads),
        baselines=options.baseline,
        mediapipe_python=options.mediapipe_python,
        tiles=options.tiles,
    )
    print(json.dumps(report.as_dict()) if options.json else report)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m runtime.bench",
        description="Times each stage of a detector, the whole loop and the cold start.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", help="the detector, a .tflite")
    measured = parser.add_argument_group("what is measured")
    measured.add_argument("--source", metavar="SRC", help="an image, a folder or a video, which the loop plays, again and again (default: a random image)")
    measured.add_argument("--frames", type=positive, default=200, metavar="N", help="frames to time (default: 200)")
    measured.add_argument(
        "--tiles",
        type=tiles_type,
        metavar="GRID",
        help="cut the images into tiles, as for python -m runtime, such as 2x1 (columns x rows); a bare invoke is then all runs "
        "of the model for a frame",
    )
    engine = parser.add_argument_group("engine")
    engine.add_argument("--threads", type=positive, default=2, metavar="N", help="interpreter threads (default: 2)")
    engine.add_argument("--engine", choices=names(), default="auto", help="what runs the model (default: auto)")
    engine.add_argument("--device", default="", help="which device of the engine, as for python -m runtime")
    compared = parser.add_argument_group("baselines")
    baseline = compared.add_argument(
        "--baseline",
        metavar="WHAT",
        action="append",
        default=[],
        help=f"another .tflite to compare with, or {MEDIAPIPE} for MediaPipe Tasks on the same file; may be repeated",
    )
    old_name(compared, "--against", baseline)
    compared.add_argument(
        "--mediapipe-python", metavar="PYTHON", default="", help="the Python of an environment with MediaPipe"
    )
    output = parser.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    return parser


def bench(
    file: str,
    source: Optional[str] = None,
    *,
    frames: int = 200,
    request: Request = Request(),
    baselines: Sequence[str] = (),
    mediapipe_python: str = "",
    tiles: Optional[Tiles] = None,
) -> Report:
    """Times `file` on `frames` frames of `source`, interleaved with the model alone and with `baselines`.

    With `tiles`, it and the baselines look at the images through these. Frames are repeated where the source has fewer. `baselines` are names for `open_baseline`. Raises InputError for a
    file that is no detector or a source that cannot be read, KitError where an engine or a baseline does not work.
    """
    begin = time.perf_counter()
    with contextlib.ExitStack() as stack:
        process = stack.enter_context(EngineProcess(file, request, HANG_SECONDS))
        process.wait_until_ready()
        detector = Detector(file, runner=process, tiles=tiles)
        told = advice(file, detector.trained_tiles, detector.tiles)
        if told:
            print(told, file=sys.stderr)
        loaded = time.perf_counter()
        held = _images(source, frames)
        first = time.perf_counter()
        detector(held[0].image, held[0].color)
        first_ms = 1000 * (time.perf_counter() - first)
        runs = len(detector.inputs(held[0].image, held[0].color))
        bare_frames = _bare_frames(process, runs)
        others = [
            stack.enter_context(open_baseline(name, file, mediapipe_python, request, held, HANG_SECONDS, tiles))
            for name in baselines
        ]
        name_apart(file, others)
        for _ in range(WARM_UP):
            detector(held[0].image, held[0].color)
        for other in others:
            other.times(WARM_UP)

        stages = Stages()
        bare: List[float] = []
        taken: Dict[str, List[float]] = {other.name: [] for other in others}

        def call(count: int) -> List[float]:
            for _ in range(count):
                stages.detect(detector, held[stages.frames % len(held)])
            return stages.total[-count:]

        single = rounds(
            {
                _KIT: call,
                _BARE: _recording(bare_frames, bare),
                **{other.name: _recording(other.times, taken[other.name]) for other in others},
            },
            frames,
            BATCH,
        )
        played = _Played(source, held)
        stack.callback(played.close)
        spans: List[Span] = []
        model_time: List[Optional[float]] = []
        alone: List[float] = []

        def looping(count: int) -> List[float]:
            spans.append(_loop_round(detector, process, played, count))
            return [spans[-1].milliseconds]

        def bare_invokes(count: int) -> List[float]:
            begin = of_process(process.pid)
            times = bare_frames(count)
            end = of_process(process.pid)
            model_time.append(None if begin is None or end is None else 1000 * (end - begin) / count)
            return times

        def playing(count: int) -> List[float]:
            alone.append(played.alone(count))
            return [alone[-1]]

        looped = rounds(
            {
                _KIT: looping,
                _BARE: bare_invokes,
                **({_DECODING: playing} if source else {}),
                **{other.name: other.times for other in others},
            },
            frames,
            LOOP_BATCH,
        )
    named = [
        ("preprocess", stages.preprocess),
        ("invoke", stages.invoke),
        ("postprocess", stages.postprocess),
        ("total", stages.total),
        ("bare invoke", bare),
        *taken.items(),
    ]
    return Report(
        file=str(file),
        engine=process.engine,
        package=process.package,
        frames=frames,
        threads=request.threads,
        load_ms=1000 * (loaded - begin),
        first_ms=first_ms,
        ratio=Ratio.of(single[_BARE], single[_KIT]),
        over_ms=float(np.median(np.subtract(single[_KIT], single[_BARE]))),
        loop_fps=1000 / float(np.median(looped[_KIT])),
        bare_fps=1000 / float(np.median(looped[_BARE])),
        loop_ratio=Ratio.of(looped[_BARE], looped[_KIT]),
        core_time=core_time(model_time, alone, spans),
        cold_start=_cold_start(file, source, held[0], request, tiles),
        stages=tuple((name, Times.of(values)) for name, values in named),
        baselines=tuple(
            (name, Ratio.of(single[name], single[_KIT]), Ratio.of(looped[name], looped[_KIT])) for name in taken
        ),
        tiles="" if tiles is None else str(tiles),
        runs=runs,
    )


def _bare_frames(process: EngineProcess, runs: int) -> Callable[[int], List[float]]:
    """A function that runs the model as for a number of frames, `runs` times each, and returns the milliseconds of each frame."""
    if runs == 1:
        return process.bare_invoke
    return lambda count: [sum(process.bare_invoke(runs)) for _ in range(count)]


def _loop_round(detector: Detector, process: EngineProcess, played: _Played, count: int) -> Span:
    """What `count` frames in the middle of a run take, with JSON lines that nobody reads."""
    marks: List[Mark] = []

    def note(frame: Frame, detections: Tuple[Detection, ...]) -> Tuple[Detection, ...]:
        marks.append(Mark(time.perf_counter(), own_and_of(process.pid), played.reading))
        return detections

    # Frames after the last one that counts keep the stages before the engine busy, as in a long run.
    with JsonLines(os.devnull) as sink:
        loop.run(detector, played, [sink], frames=FILLING + count + FILLING, filters=[note])
    return Span(marks[FILLING - 1], marks[FILLING - 1 + count], count)


def _recording(measure: Callable[[int], List[float]], record: List[float]) -> Callable[[int], List[float]]:
    """`measure`, with all the times that it returns appended to `record`."""

    def measured(count: int) -> List[float]:
        times = measure(count)
        record.extend(times)
        return times

    return measured


class _Played(Source):
    """Plays a source, and repeats it without end; each iteration goes on where the one before it ended.

    `reading` is the processor seconds that the threads which iterated have spent in the source.
    """

    def __init__(self, source: Optional[str], held: Sequence[Frame]) -> None:
        """Without `source`, plays the images `held`, which are in memory."""
        self.name = source or "memory"
        self.reading = 0.0
        self._source = open_source(source) if source else None
        self._frames = self._repeated(self._source or held)

    def __iter__(self) -> Iterator[Frame]:
        while True:
            begin = time.thread_time()
            frame = next(self._frames)
            self.reading += time.thread_time() - begin
            yield frame

    def alone(self, count: int) -> float:
        """Reads `count` frames and returns the processor milliseconds of each, over all threads of this process."""
        begin = time.process_time()
        for _ in range(count):
            next(self._frames)
        return 1000 * (time.process_time() - begin) / count

    def close(self) -> None:
        """Closes the source."""
        if self._source is not None:
            self._source.close()

    @staticmethod
    def _repeated(frames: Iterable[Frame]) -> Iterator[Frame]:
        index = 0
        while True:
            for frame in frames:
                yield replace(frame, index=index, time=float(index))
                index += 1


def _cold_start(
    file: str, source: Optional[str], first: Frame, request: Request, tiles: Optional[Tiles]
) -> ColdStart:
    options = ["--threads", str(request.threads), "--engine", request.engine, "--json", "-"]
    options += ["--device", request.device] if request.device else []
    options += ["--tiles", str(tiles)] if tiles is not None else []
    with tempfile.TemporaryDirectory() as folder:
        if source is None:
            source = str(Path(folder) / "image.png")
            images.write(source, first.image)
        return cold_start.measure([file, "--source", source, "--loop", "--frames", str(COLD_START_FRAMES), *options])


def _images(source: Optional[str], frames: int) -> List[Frame]:
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
            print(f"note: the first {len(held)} frames of {source} are repeated", file=sys.stderr)
        return held


if __name__ == "__main__":
    run_command(main, leaves_threads=True)
