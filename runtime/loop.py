"""Takes frames from a source through a detector into sinks."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Iterable, List, Optional, Sequence

from runtime.detector import Detector
from runtime.filters import Filter
from runtime.sinks import Sink
from runtime.sources import Source
from runtime.state import State
from runtime.values import Frame

Clock = Callable[[], float]


@dataclass(frozen=True)
class Summary:
    """What a run did. The `_ms` are mean milliseconds a frame; `seconds` is the whole run, with
    reading and writing; `skipped` counts frames that the source could not read."""

    frames: int
    detections: int
    skipped: int
    seconds: float
    preprocess_ms: float
    invoke_ms: float
    postprocess_ms: float

    @property
    def fps(self) -> float:
        """Frames a second over the whole run."""
        return self.frames / self.seconds if self.seconds > 0 else 0.0

    def __str__(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return (
            f"{_count(self.frames, 'frame')}, {_count(self.detections, 'detection')}{skipped}; "
            f"a frame takes {self.preprocess_ms:.1f} ms to prepare, {self.invoke_ms:.1f} ms in the model, "
            f"{self.postprocess_ms:.1f} ms to read out; {self.fps:.1f} frames/s with reading and writing"
        )


def run(
    detector: Detector,
    source: Source,
    sinks: Sequence[Sink],
    frames: Optional[int] = None,
    progress: Optional[Callable[[int], None]] = None,
    state: Optional[State] = None,
    filters: Sequence[Filter] = (),
) -> Summary:
    """Detects in up to `frames` frames of `source` (all without it) and hands them to every sink.

    `filters` change the detections of every frame, one after the other.

    `progress` is called with the number of frames done. The source and the sinks stay open; their
    errors pass through. Without a `state` there is one all the same, for the sinks.
    """
    stages = Stages()
    found = 0
    if state is None:
        state = State(Path(detector.path).name, detector.labels, detector.score)
    state.engine(name=detector.package, state="running")
    state.source(name=source.name, state="running")
    for sink in sinks:
        state.dropped_by_sink(sink.name, 0)
        sink.attach(state)
    begin = time.perf_counter()
    for frame in itertools.islice(source, frames):
        if state.stopping:
            break
        detector.score = state.score
        detections = stages.detect(detector, frame)
        for change in filters:
            detections = change(frame, detections)
        state.frame_done(detections, stages.latest())
        for sink in sinks:
            sink.write(frame, detections)
        found += len(detections)
        if progress:
            progress(stages.frames)
    return Summary(
        stages.frames,
        found,
        source.skipped,
        time.perf_counter() - begin,
        mean(stages.preprocess),
        mean(stages.invoke),
        mean(stages.postprocess),
    )


class Stages:
    """Detects frame after frame and keeps how many milliseconds each stage took."""

    def __init__(self) -> None:
        self.preprocess: List[float] = []
        self.invoke: List[float] = []
        self.postprocess: List[float] = []

    @property
    def frames(self) -> int:
        return len(self.invoke)

    def latest(self) -> Dict[str, float]:
        """Milliseconds by stage of the last frame."""
        return {"preprocess": self.preprocess[-1], "invoke": self.invoke[-1], "postprocess": self.postprocess[-1]}

    def detect(self, detector: Detector, frame: Frame):
        """The detections in `frame`."""
        height, width = frame.image.shape[:2]
        start = time.perf_counter()
        tensor = detector.preprocess(frame.image, frame.color)
        ready = time.perf_counter()
        raw = detector.invoke(tensor)
        done = time.perf_counter()
        detections = detector.postprocess(raw, width, height)
        end = time.perf_counter()
        self.preprocess.append(1000 * (ready - start))
        self.invoke.append(1000 * (done - ready))
        self.postprocess.append(1000 * (end - done))
        return detections


def mean(values: Iterable[float]) -> float:
    """0 for none."""
    listed = list(values)
    return sum(listed) / len(listed) if listed else 0.0


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
