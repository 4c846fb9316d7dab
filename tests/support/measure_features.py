"""How much features slow the loop: the same video with and without each, in short runs by turns.

    python -m tests.support.measure_features FILE VIDEO --pairs 7 --frames 240
    python -m tests.support.measure_features FILE VIDEO --camera --load 20

The first goes as fast as the engine, which runs in a process of its own; its frames have the times of a camera of `--fps`. With
`--camera` it is such a camera, and the loop leaves out what it has no time for; `--load` makes each run of the model so many
milliseconds longer, as on a slower machine. Printed are the median ratio of the rates with its quartiles; processor time a frame of the loop's process,
which depends less on what else the machine does, with and without; and what is added as a share of all that a frame costs,
the engine included: on a machine with all cores at work it is what the rate loses. `--threads` shows whose time it is.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np

from runtime.areas.areas import line, zone
from runtime.bench.interleaving import Ratio
from runtime.bench.processor_time import of_process
from runtime.common.values import Frame
from runtime.config.arguments import parse
from runtime.filters.track import Tracker
from runtime.frames.masks import mask
from runtime.inference.detector import Detector
from runtime.inference.engines import Request
from runtime.inference.process.engine import EngineProcess
from runtime.inference.process.worker import Worker
from runtime.pipeline import loop
from runtime.pipeline.shadow import Shadow
from runtime.sinks import open_sink
from runtime.sources import Source, open_source
from runtime.telemetry.state import State
from runtime.zones.watch import Watch

TRACK, ZONES, EVENTS, COLLECT, SHADOW, MASK = FEATURES = ("track", "zones", "events", "collect", "shadow", "mask")
ALL = "all"
# What other features need.
_TRACKED = (TRACK, ZONES, EVENTS)
# Two of each, across the whole image.
AREAS = (
    line("across=0,0.7,1,0.7"), line("down=0.7,0,0.7,1"),
    zone("left=0,0,0.5,0,0.5,1,0,1"), zone("middle=0.3,0.3,0.7,0.3,0.8,0.6,0.7,0.9,0.3,0.9,0.2,0.6"),
)  # fmt: skip
_MASK = mask("0,0,0.2,0,0.2,0.2,0,0.2")

# Frames of a run that do not count: everything is loaded by then.
_WARM_UP = 10
# Frames of the video that are held in memory.
_HELD = 300


@dataclass(frozen=True)
class Cost:
    """Of one run: frames a second, milliseconds of processor time a frame of the loop's process, and of the engine's.

    `threads` has the milliseconds a frame by the names of the loop's threads.
    """

    rate: float
    loop: float
    engine: float
    threads: Dict[str, float]


class Camera(Source):
    """Gives `number` frames from memory: at once, or where it is `live` `fps` a second."""

    name = "memory"
    path = None

    def __init__(self, images: Sequence[np.ndarray], number: int, fps: float, live: bool) -> None:
        self._images = images
        self._number = number
        self.fps = fps
        self.live = live
        self._ended = threading.Event()

    def __iter__(self) -> Iterator[Frame]:
        begin, wall = time.monotonic(), time.time()
        for index in range(self._number):
            if self._ended.is_set():
                return
            if self.live:
                time.sleep(max(0.0, begin + index / self.fps - time.monotonic()))
            # A video gives each frame memory of its own.
            image = self._images[index % len(self._images)].copy()
            at = time.monotonic() - begin if self.live else index / self.fps
            yield Frame(image, index, wall + at, monotonic=begin + at)
        # A live source has no end: the run is stopped.
        self.over()
        self._ended.wait(5 if self.live else 0)

    over: Callable[[], None] = staticmethod(lambda: None)

    def close(self) -> None:
        self._ended.set()


class Bench:
    """Runs the loop with features on. `load` is how many milliseconds longer each run of the model takes."""

    def __init__(self, file: str, shadow: str, load: float, camera: Callable[[], Camera]) -> None:
        self._file, self._shadow = file, shadow
        self._camera = camera
        self._engine = EngineProcess(file, Request("cpu"))
        self._engine.wait_until_ready()
        self._detector = Detector(file, runner=self._engine)
        self._load = load

    def close(self) -> None:
        self._engine.close()

    def run(self, features: Sequence[str]) -> Cost:
        """What a run with `features` costs."""
        detector = self._detector
        marks: List[Tuple[float, int, float, float, Dict[int, Tuple[str, float]]]] = []
        state = State(detector.path, detector.labels, detector.score, detector.scores)
        options = parse([self._file, "--source", "memory", *(["--shadow", f"{self._shadow},share=0.1"] * (SHADOW in features))])

        def note(frames: int) -> None:
            if frames >= _WARM_UP and frames % 5 == 0:
                marks.append((time.monotonic(), frames, time.process_time(), of_process(self._engine.pid) or 0.0, _threads()))

        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
            source = stack.enter_context(self._camera())
            source.over = state.stop if source.live else source.over
            specs = [f"{folder}/found.jsonl"]
            specs += [f"collect:{folder}/collected"] * (COLLECT in features) + [f"events:{folder}/events"] * (EVENTS in features)
            sinks = [stack.enter_context(open_sink(spec, source)) for spec in specs]

            def deliver(frame, counted, other):  # type: ignore[no-untyped-def]
                for sink in sinks:
                    sink.compare(frame, counted, other)

            shadow = stack.enter_context(Shadow(options, state, deliver)) if SHADOW in features else None
            is_tracked = any(name in features for name in _TRACKED)
            loop.run(
                detector, source, sinks, None, note, state, [Tracker()] if is_tracked else [],
                loop.Settings(masks=(_MASK,) if MASK in features else ()),
                workers=[_Slow(self._engine, state, self._load)], shadow=shadow,
                watch=Watch(AREAS if ZONES in features else (), is_tracked=is_tracked),
            )  # fmt: skip
        if len(marks) < 2:
            raise SystemExit("too few frames: give more --frames")
        first, last = marks[0], marks[-1]
        frames = last[1] - first[1]
        threads: Counter[str] = Counter()
        # Also of threads that have ended before the last mark.
        for ident, (name, used) in {key: value for mark in marks for key, value in mark[4].items()}.items():
            threads[name] += 1000 * (used - first[4].get(ident, (name, 0.0))[1]) / frames
        return Cost(
            frames / (last[0] - first[0]), 1000 * (last[2] - first[2]) / frames, 1000 * (last[3] - first[3]) / frames, dict(threads)
        )


class _Slow(Worker):
    """An engine whose answers come some milliseconds later, while it is busy."""

    def __init__(self, engine: EngineProcess, state: State, load: float) -> None:
        super().__init__(engine, state)
        self._seconds = load / 1000

    def next(self, on_room):  # type: ignore[no-untyped-def]
        def later() -> None:
            if self._seconds:
                time.sleep(self._seconds)
            on_room()

        return super().next(later)


def _threads() -> Dict[int, Tuple[str, float]]:
    """The name and the processor seconds of each thread of this process, by its id."""
    found: Dict[int, Tuple[str, float]] = {}
    for thread in threading.enumerate():
        with contextlib.suppress(OSError, TypeError):
            assert thread.ident is not None
            found[thread.ident] = (thread.name, time.clock_gettime(time.pthread_getcpuclockid(thread.ident)))
    return found


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Prints a line for each feature."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("video")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--frames", type=int, default=240, help="of each run")
    parser.add_argument("--features", default=",".join((*FEATURES, "collect+shadow", ALL)), help="separated by commas; A+B: both")
    parser.add_argument("--shadow", metavar="FILE", help="the second model (default: the same file)")
    parser.add_argument("--fps", type=float, default=30.0, help="of the frames")
    parser.add_argument("--camera", action="store_true", help="give frames at that rate, and not as fast as the engine")
    parser.add_argument("--load", type=float, default=0.0, help="milliseconds that each run of the model takes longer")
    parser.add_argument("--threads", action="store_true", help="show processor time by thread")
    arguments = parser.parse_args(argv)
    with open_source(arguments.video) as source:
        images = [frame.image for _, frame in zip(range(_HELD), source)]
    camera = partial(Camera, images, arguments.frames, arguments.fps, arguments.camera)
    bench = Bench(arguments.file, arguments.shadow or arguments.file, arguments.load, camera)
    try:
        # Everything is imported, and files are in memory.
        bench.run(FEATURES)
        for name in arguments.features.split(","):
            features = FEATURES if name == ALL else tuple(name.split("+"))
            pairs: List[Tuple[Cost, Cost]] = []
            for number in range(arguments.pairs):
                # Every second pair the other way round: whatever slows the machine meets both.
                made = {on: bench.run(features if on else ()) for on in ((False, True) if number % 2 == 0 else (True, False))}
                pairs.append((made[False], made[True]))
            print(report(name, pairs), flush=True)
            if arguments.threads:
                print(_by_thread(pairs), flush=True)
    finally:
        bench.close()
    return 0


def report(name: str, pairs: Sequence[Tuple[Cost, Cost]]) -> str:
    """One line for a feature; `pairs` are runs without and with it."""
    rates = Ratio.of([on.rate for _, on in pairs], [off.rate for off, _ in pairs])
    off, on = (statistics.median(pair[place].loop for pair in pairs) for place in (0, 1))
    added = statistics.median(on.loop - off.loop for off, on in pairs)
    whole = statistics.median(off.loop + off.engine for off, _ in pairs)
    return (
        f"{name}: rate {rates.median:.3f} ({rates.low:.3f} to {rates.high:.3f}) of {statistics.median(p[0].rate for p in pairs):.1f}"
        f" frames/s; {off:.2f} -> {on:.2f} ms of processor time a frame in the loop, {added:+.2f} ms,"
        f" {100 * added / whole:+.1f} % of {whole:.1f} ms with the engine"
    )


def _by_thread(pairs: Sequence[Tuple[Cost, Cost]]) -> str:
    names = sorted({name for pair in pairs for cost in pair for name in cost.threads})
    columns = [[statistics.median(pair[place].threads.get(name, 0.0) for pair in pairs) for name in names] for place in (0, 1)]
    return "\n".join(f"    {name}: {off:.2f} -> {on:.2f} ms" for name, off, on in zip(names, *columns) if max(off, on) > 0.005)


if __name__ == "__main__":
    raise SystemExit(main())
