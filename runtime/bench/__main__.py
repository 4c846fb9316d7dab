"""`python -m runtime.bench FILE`: how long each stage of a frame takes, and how near that is to the model alone."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np

from runtime.bench.baselines import MEDIAPIPE, open_rival
from runtime.bench.cold_start import Trial, trial
from runtime.bench.interleaving import Ratio, rounds
from runtime.bench.percentiles import Times, table
from runtime.bench.stages import Stages
from runtime.common.command import run as run_command
from runtime.common.options import positive
from runtime.common.values import Frame
from runtime.inference.detector import Detector
from runtime.inference.engines import Request, names
from runtime.inference.process.engine import EngineProcess
from runtime.inference.process.shared_tensors import SLOTS
from runtime.media import images
from runtime.pipeline import loop
from runtime.sources import Source, open_source

# Frames before the clock counts: caches and the interpreter's own set-up settle in these.
WARM_UP = 5
# Everything that is compared is timed in turns of this many frames; the loop in longer ones, since
# its stages first have to fill, and their first frames do not count.
TURN = 5
LOOP_TURN = 10
FILLING = 2
# As much as a source is read into memory: reading is not what is measured, except in the loop.
MOST_FRAMES_HELD = 64
# In tables of times, beside the names of rivals.
_KIT, _BARE = "the kit", "bare invoke"
# Frames of the run that is watched from outside.
TRIAL_FRAMES = 60
# A measurement on a busy machine must not be ended by the watchdog.
HANG_SECONDS = 120.0


@dataclass(frozen=True)
class Report:
    """`stages` by name in the order of work, then `total`, `bare invoke`, the model without anything
    around it, and what was compared.

    `ratio` is the time of bare invokes over that of single frames: 1 is perfect. `over_ms` is what a
    frame takes beyond the model. `loop_fps` is what the loop makes of the source, `bare_fps` what the
    model alone makes, and `loop_ratio` the time of a bare invoke over that of a frame of the loop.
    `against` has, for each rival, its time over that of a call and over that of a frame of the loop:
    above 1, the kit is faster.
    """

    file: str
    engine: str
    package: str
    frames: int
    threads: int
    load_ms: float
    first_ms: float
    ratio: Ratio
    over_ms: float
    loop_fps: float
    bare_fps: float
    loop_ratio: Ratio
    trial: Trial
    stages: Tuple[Tuple[str, Times], ...]
    against: Tuple[Tuple[str, Ratio, Ratio], ...] = ()

    def as_dict(self) -> dict:
        """For JSON."""
        return {
            **asdict(self),
            **_with_spread("ratio", self.ratio),
            **_with_spread("loop_ratio", self.loop_ratio),
            "stages": {name: asdict(times) for name, times in self.stages},
            "against": {
                name: {**_with_spread("call", call), **_with_spread("loop", looped)}
                for name, call, looped in self.against
            },
        }

    def __str__(self) -> str:
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        memory = f", {self.trial.memory_mb:.0f} MB resident in {self.trial.processes} processes"
        return "\n".join(
            [
                f"{self.file}: {self.frames} frames, {self.engine}, {self.package}, {threads}",
                table(self.stages),
                f"one frame: {self.over_ms:.2f} ms over the model, {_text(self.ratio)} of its speed; "
                f"loaded in {self.load_ms:.0f} ms, first frame {self.first_ms:.1f} ms",
                f"the loop: {self.loop_fps:.1f} frames/s, the model alone {self.bare_fps:.1f}: {_text(self.loop_ratio)}",
                f"the command: first detection after {self.trial.first_s:.2f} s"
                + (memory if self.trial.memory_mb else ""),
                *(
                    f"against {name}: {_text(call, 2)} times as fast a frame, {_text(looped, 2)} times in the loop"
                    for name, call, looped in self.against
                ),
                "in brackets: the middle half of the rounds",
            ]
        )


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m runtime.bench", description=__doc__.partition(": ")[2])
    add = parser.add_argument
    add("file", metavar="FILE", help="the detector, a .tflite")
    add("--source", metavar="SRC", help="an image, a folder or a video (default: a made-up image)")
    add("--frames", type=positive, default=200, metavar="N", help="frames to time (default 200)")
    add("--threads", type=positive, default=2, help="threads of the interpreter (default 2)")
    add("--engine", choices=names(), default="auto", help="what runs the model (default auto)")
    add("--device", default="", help="which chip, as in python -m runtime")
    add(
        "--against",
        metavar="WHAT",
        action="append",
        default=[],
        help=f"compare with another .tflite, or with {MEDIAPIPE} on the same file; may be repeated",
    )
    add("--mediapipe-python", metavar="PYTHON", default="", help="the Python of an environment that has MediaPipe")
    add("--json", action="store_true", help="print one JSON object instead of the table")
    options = parser.parse_args(argv)
    report = bench(
        options.file,
        options.source,
        frames=options.frames,
        request=Request(options.engine, options.device, options.threads),
        against=options.against,
        mediapipe_python=options.mediapipe_python,
    )
    print(json.dumps(report.as_dict()) if options.json else report)
    return 0


def bench(
    file: str,
    source: Optional[str] = None,
    *,
    frames: int = 200,
    request: Request = Request(),
    against: Sequence[str] = (),
    mediapipe_python: str = "",
) -> Report:
    """Times `frames` frames of `source`, over and over where it has fewer, in turns with what it is
    compared with: the model alone, and `against`.

    Raises InputError for a file that is no detector or a source that cannot be read, KitError where
    something that is compared does not work.
    """
    begin = time.perf_counter()
    with contextlib.ExitStack() as stack:
        process = stack.enter_context(EngineProcess(file, request, HANG_SECONDS))
        process.wait_until_ready()
        detector = Detector(file, runner=process)
        loaded = time.perf_counter()
        held = _images(source, frames)
        first = time.perf_counter()
        detector(held[0].image, held[0].color)
        first_ms = 1000 * (time.perf_counter() - first)
        rivals = [
            stack.enter_context(open_rival(name, file, mediapipe_python, request, held, HANG_SECONDS))
            for name in against
        ]
        for _ in range(WARM_UP):
            detector(held[0].image, held[0].color)
        for rival in rivals:
            rival.times(WARM_UP)

        stages, bare = Stages(), []
        taken: Dict[str, List[float]] = {rival.name: [] for rival in rivals}

        def call(count: int) -> List[float]:
            for _ in range(count):
                stages.detect(detector, held[stages.frames % len(held)])
            return stages.total[-count:]

        alone = _noting(process.bare_invoke, bare)
        others = {rival.name: _noting(rival.times, taken[rival.name]) for rival in rivals}
        single = rounds({_KIT: call, _BARE: alone, **others}, frames, TURN)
        looped = rounds(
            {
                _KIT: lambda count: [_loop_round(detector, source, held, count)],
                _BARE: process.bare_invoke,
                **{rival.name: rival.times for rival in rivals},
            },
            frames,
            LOOP_TURN,
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
        trial=_trial(file, source, held[0], request),
        stages=tuple((name, Times.of(values)) for name, values in named),
        against=tuple(
            (name, Ratio.of(single[name], single[_KIT]), Ratio.of(looped[name], looped[_KIT])) for name in taken
        ),
    )


def _loop_round(detector: Detector, source: Optional[str], held: List[Frame], count: int) -> float:
    """Milliseconds a frame of the whole loop, without sinks, over `count` frames of a run."""
    ends: List[float] = []

    def note(frame: Frame, detections: tuple) -> tuple:
        ends.append(time.perf_counter())
        return detections

    # Those behind the last one that counts keep the stages before the engine busy, as in a long run.
    needed = FILLING + count + SLOTS
    with open_source(source) if source else _Held(held) as opened:
        opened = opened if opened.frames is None or opened.frames >= needed else _Held(held)
        loop.run(detector, opened, [], frames=needed, filters=[note])
    return 1000 * (ends[FILLING - 1 + count] - ends[FILLING - 1]) / count


def _noting(measure: Callable[[int], List[float]], noted: List[float]) -> Callable[[int], List[float]]:
    def measured(count: int) -> List[float]:
        times = measure(count)
        noted.extend(times)
        return times

    return measured


def _with_spread(name: str, ratio: Ratio) -> Dict[str, Any]:
    return {name: ratio.median, f"{name}_spread": ratio.spread}


def _text(ratio: Ratio, digits: int = 3) -> str:
    return f"{ratio.median:.{digits}f} ({ratio.low:.{digits}f} to {ratio.high:.{digits}f})"


class _Held(Source):
    """Images in memory, over and over."""

    name = "memory"

    def __init__(self, held: Sequence[Frame]) -> None:
        self._held = held

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        while True:
            frame = self._held[index % len(self._held)]
            yield Frame(frame.image, index, float(index), frame.color)
            index += 1


def _trial(file: str, source: Optional[str], first: Frame, request: Request) -> Trial:
    words = ["--threads", str(request.threads), "--engine", request.engine, "--json", "-"]
    words += ["--device", request.device] if request.device else []
    with tempfile.TemporaryDirectory() as folder:
        if source is None:
            source = str(Path(folder) / "picture.png")
            images.write(source, first.image)
        return trial([file, "--source", source, "--loop", "--frames", str(TRIAL_FRAMES), *words])


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
            print(f"note: the first {len(held)} frames of {source} are used over and over", file=sys.stderr)
        return held


if __name__ == "__main__":
    run_command(main, leaves_threads=True)
