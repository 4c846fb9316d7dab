"""The state of a running loop, for everything that shows or reports it."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from pathlib import Path
from types import MappingProxyType
from typing import Any, Callable, Deque, Dict, List, Mapping, Optional, Protocol, Sequence, Tuple

from runtime.common.values import Detection, Labels
from runtime.telemetry.comparison import Comparison

# In the order of work. `total` lasts from the capture of a frame to its detections.
STAGES = ("capture", "preprocess", "invoke", "postprocess", "total")

# Percentiles are over the latest frames, the rate is over the latest seconds.
LATEST_FRAMES = 300
RATE_SECONDS = 5.0

# Counts by class cover SPANS spans of SPAN_SECONDS each: the last ten minutes.
SPAN_SECONDS = 5
SPANS = 120

# A smaller difference between the clocks is only the time between two readings; a larger one means that the clock was set,
# as that of a board without a battery is after each start.
CLOCK_STEP_SECONDS = 2.0


class Areas(Protocol):
    """The zones and lines of a run: `runtime.zones.watch.Watch`."""

    def snapshot(self) -> Dict[str, Any]:
        """Them with their counts, for JSON."""

    def change(self, kind: str, name: str, corners: Optional[Sequence[Sequence[float]]]) -> str:
        """Sets one, or removes it; returns why it could not be saved. Raises InputError."""


class State:
    """The state of one run. The loop writes it; any thread may read `snapshot` and set `score`.

    `score` is the threshold in 0..1 for the following frames. Classes that have a threshold of their own keep it. `areas` are
    the run's zones and lines, None where it takes none.
    """

    def __init__(
        self,
        model: str = "",
        labels: Labels = Labels(()),
        score: float = 0.5,
        scores: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        """`model` is the path of the model; with its folder where other programs need to find it.

        `scores` are the thresholds of classes that have one of their own, by name.
        """
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._reload_asked = threading.Event()
        self._reload: Dict[str, Any] = {"count": 0, "failures": 0, "error": ""}
        self._reloading = False
        self._path = model
        self._labels = labels
        self._score = 0.0
        self._scores = scores
        self.score = score
        self._started = time.time()
        self._started_monotonic = time.monotonic()
        # Spans are counted by the monotonic clock, and begin at multiples of SPAN_SECONDS of the clock at the start.
        self._first_span_at = self._started_monotonic - self._started % SPAN_SECONDS
        self._counts = {"frames": 0, "detections": 0, "gaps": 0, "skipped": 0, "still": 0}
        self._dropped_by_source = self._dropped_by_engine = 0
        self._dropped_by_sink: Dict[str, int] = {}
        self._engine: Dict[str, Any] = {"name": "", "package": "", "state": "starting", "restarts": 0}
        self._source: Dict[str, Any] = {"name": "", "state": "starting", "retries": 0}
        self._times: Dict[str, Deque[float]] = {stage: deque(maxlen=LATEST_FRAMES) for stage in STAGES}
        self._ends: Deque[float] = deque(maxlen=LATEST_FRAMES)
        self._found: Dict[str, int] = {}
        self._collected: Dict[str, float] = {}
        # Where collected frames are; None where none are collected.
        self.collect_folder: Optional[Path] = None
        self._recorded: Dict[str, float] = {}
        self._listeners: List[Callable[[Dict[str, Any]], None]] = []
        self._events_folder = ""
        self._comparison: Optional[Comparison] = None
        self._image_asked = threading.Event()
        # Set once, before the run begins.
        self.areas: Optional[Areas] = None
        # Set by the loop while it runs: whether it has a frame that it has not finished.
        self.has_work: Callable[[], bool] = _nothing
        self._spans: Deque[Tuple[int, Dict[str, int]]] = deque(maxlen=SPANS)

    @property
    def score(self) -> float:
        """The threshold for the following frames, 0..1; setting it raises ValueError outside that range."""
        return self._score

    @score.setter
    def score(self, value: float) -> None:
        try:
            number = float(value)
        except OverflowError:
            # A whole number that no float can hold.
            number = float("inf")
        if not 0 <= number <= 1:
            raise ValueError(f"a score is a number from 0 to 1, not {number:g}")
        self._score = number

    @property
    def scores(self) -> Mapping[str, float]:
        """Thresholds, 0..1, of classes that have one of their own, by name."""
        return self._scores

    @property
    def path(self) -> str:
        """The path of the model, with its folder."""
        return self._path

    @property
    def labels(self) -> Labels:
        """The class names of the model."""
        return self._labels

    @property
    def reloads(self) -> int:
        """How many models have taken over since the start."""
        return int(self._reload["count"])

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Asks the run to end: frames in flight are finished, and sinks are closed."""
        self._stopping.set()

    def ask_reload(self) -> None:
        """Asks the run to load its model file again, and to continue with its present content."""
        # Without the lock: a signal handler may run in a thread that holds it.
        self._reloading = True
        self._reload_asked.set()

    def wait_for_reload(self, seconds: float) -> bool:
        """Waits up to `seconds` for `ask_reload`; returns whether it was called since the last wait."""
        # Cleared only where it was seen: a signal that comes after an empty wait stays for the next one.
        if not self._reload_asked.wait(seconds):
            return False
        self._reload_asked.clear()
        return True

    def wait_for_stop(self, seconds: float) -> bool:
        """Waits up to `seconds` for `stop`; returns whether it was called."""
        return self._stopping.wait(seconds)

    def snapshot(self) -> Dict[str, Any]:
        """The whole state as values for JSON.

        - `time`, `started`: the present time and the start of the run, both in seconds since 1970 by the present clock,
          which may have been set since the start.
        - `model`: the file name of the model; `labels`: its class names; `score`: the threshold.
        - `reload`: `count` of models that took over while running, `failures` of models that could not, the `error` of
          the last request (empty where it succeeded), and whether a reload is `under_way`.
        - `frames`, `detections`: counts since the start. `fps`: frames per second over the last seconds.
        - `gaps`: how often the source was lost; `skipped`: frames that it could not read; `still`: frames that the
          motion gate kept from the detector.
        - `latency`: milliseconds by stage, without stages that have no times yet.
        - `dropped`: frames replaced by newer ones (`source`), lost with an engine that hung or died (`engine`), and
          frames that a sink was too slow for (`sinks`, by name).
        - `engine`, `source`: see the methods of these names.
        - `counts`: for each of `classes`, detections in spans of `seconds`. `since` is the start of the first span;
          the last span is not over yet.
        - `shadow`, where a second model runs: see `Comparison.shown`.
        - `collect`, where frames are collected: see `collected`.
        - `areas`, where the run takes zones and lines: see `runtime.zones.watch.Watch.snapshot`.
        - `events`, where events are kept: see `recorded`.
        """
        now = time.time()
        # Without the lock, which the zones' own needs no other to wait for.
        areas = {} if self.areas is None else {"areas": self.areas.snapshot()}
        with self._lock:
            started = now - (time.monotonic() - self._started_monotonic)
            # Kept while it says the same, since a change of `started` is news of another run.
            if abs(started - self._started) > CLOCK_STEP_SECONDS:
                self._started = started
            return {
                "time": now,
                "started": self._started,
                "model": os.path.basename(self._path),
                "reload": {**self._reload, "under_way": self._reloading},
                "labels": list(self._labels),
                "score": self._score,
                **self._counts,
                "fps": self._fps(),
                "latency": {
                    stage: {"p50": _percentile(times, 0.5), "p95": _percentile(times, 0.95)}
                    for stage, times in self._times.items()
                    if times
                },
                "dropped": {
                    "source": self._dropped_by_source,
                    "engine": self._dropped_by_engine,
                    "sinks": dict(self._dropped_by_sink),
                },
                "engine": dict(self._engine),
                "source": dict(self._source),
                "counts": self._counts_by_class(now),
                **({"collect": dict(self._collected)} if self._collected else {}),
                **({"events": dict(self._recorded)} if self._recorded else {}),
                **({"shadow": self._comparison.shown} if self._comparison else {}),
                **areas,
            }

    def frame_done(self, detections: Sequence[Detection], times: Mapping[str, float]) -> None:
        """Counts a frame that the detector has processed; `times` has milliseconds by stage."""
        with self._lock:
            span = self._span()
            self._counts["frames"] += 1
            self._counts["detections"] += len(detections)
            self._ends.append(time.monotonic())
            for stage, taken in times.items():
                self._times[stage].append(taken)
            if not self._spans or self._spans[-1][0] != span:
                self._spans.append((span, {}))
            by_class = self._spans[-1][1]
            for detection in detections:
                by_class[detection.label] = by_class.get(detection.label, 0) + 1
                self._found[detection.label] = self._found.get(detection.label, 0) + 1

    def found(self) -> Dict[str, int]:
        """Detections by class since the start."""
        with self._lock:
            return dict(self._found)

    def count(self, what: str, number: int = 1) -> None:
        """Adds `number` to the count `what`: `gaps`, `skipped` or `still`."""
        with self._lock:
            self._counts[what] += number

    def dropped_by_source(self, number: int = 1) -> None:
        """Counts frames that were replaced by newer ones."""
        with self._lock:
            self._dropped_by_source += number

    def dropped_by_engine(self, number: int = 1) -> None:
        """Counts frames that were lost with an engine."""
        with self._lock:
            self._dropped_by_engine += number

    def dropped_by_sink(self, name: str, number: int = 1) -> None:
        """Counts frames that the sink `name` was too slow for; 0 adds the sink to the snapshot."""
        with self._lock:
            self._dropped_by_sink[name] = self._dropped_by_sink.get(name, 0) + number

    def collected(self, **values: float) -> None:
        """Sets what was collected.

        They are the `images` that are kept, with their `megabytes`, and counts since the start: of picked frames that were
        `kept`, those that were `refused` since the budget has better ones, and of images `removed` for better ones.
        """
        with self._lock:
            self._collected.update(values)

    def recorded(self, **values: float) -> None:
        """Sets what became of events.

        They are the events that are `kept`, with the `megabytes` of their files, and counts since the start: of events that
        were `recorded`, old ones that were `removed`, those that were `lost`, and `lost_frames` of clips. With a webhook
        also those that were `sent`, that are `waiting`, and that were `given_up`.
        """
        with self._lock:
            self._recorded.update(values)

    @property
    def events_folder(self) -> str:
        """The folder of events; empty where none are kept."""
        return self._events_folder

    def events_in(self, folder: str) -> None:
        """Sets the folder of events."""
        self._events_folder = folder

    def listen(self, listener: Callable[[Dict[str, Any]], None]) -> None:
        """From now on, `listener` gets what is announced, in any thread; it must return at once."""
        self._listeners.append(listener)

    def announce(self, event: Dict[str, Any]) -> None:
        """Tells of an event, `runtime.events.event.Event.as_dict`: when it begins, with the `end` None, and when it is kept."""
        for listener in self._listeners:
            listener(event)

    @property
    def comparison(self) -> Optional[Comparison]:
        """How far a second model agrees with the one that counts; None where there is none."""
        return self._comparison

    def compared(self, comparison: Optional[Comparison]) -> None:
        """Sets how far a second model agrees with the one that counts; None where there is none any more."""
        self._comparison = comparison

    def ask_for_image(self) -> None:
        """Asks for the next frame to be collected, whatever is in it."""
        self._image_asked.set()

    def take_image_request(self) -> bool:
        """Whether `ask_for_image` was called since the last time."""
        asked = self._image_asked.is_set()
        if asked:
            self._image_asked.clear()
        return asked

    def reloaded(self, path: str, labels: Labels, scores: Mapping[str, float] = MappingProxyType({})) -> None:
        """Records that the model at `path` has taken over; `scores` are its classes' own thresholds."""
        with self._lock:
            self._path, self._labels, self._scores = path, labels, scores
            self._reload.update(count=self._reload["count"] + 1, error="")
            self._reloading = False

    def reload_failed(self, reason: str) -> None:
        """Records why a new model could not take over; the old one continues."""
        with self._lock:
            self._reload.update(failures=self._reload["failures"] + 1, error=reason)
            self._reloading = False

    def engine(self, **values: Any) -> None:
        """Sets values of the engine.

        They are its `name`, the `package` of its interpreter, its `state` ("starting", "running" or "restarting"), and
        the number of `restarts`.
        """
        with self._lock:
            self._engine.update(values)

    def engine_restarted(self, name: str) -> None:
        """Records that an engine was replaced by a new one, `name`."""
        with self._lock:
            self._engine.update(name=name, state="running", restarts=self._engine["restarts"] + 1)

    @property
    def source_state(self) -> str:
        """The state of the source, see `source`."""
        return str(self._source["state"])

    def source(self, **values: Any) -> None:
        """Sets values of the source: `name`, `state` ("starting", "running", "reopening" or "ended") or `retries`."""
        with self._lock:
            self._source.update(values)

    def _fps(self) -> float:
        now = time.monotonic()
        recent = [end for end in self._ends if now - end <= RATE_SECONDS]
        if len(recent) < 2:
            return 0.0
        # A fast loop has LATEST_FRAMES within less than RATE_SECONDS. The time since the last frame counts too, so
        # that the rate falls when the loop stalls.
        return (len(recent) - 1) / max(now - recent[0], 1e-9)

    def _counts_by_class(self, now: float) -> Dict[str, Any]:
        last = self._span()
        first = max(last - SPANS + 1, 0)
        begun = round(now - (time.monotonic() - self._first_span_at)) + first * SPAN_SECONDS
        recent = [(span, by_class) for span, by_class in self._spans if span >= first]
        classes: Dict[str, List[int]] = {}
        for span, by_class in recent:
            for label, number in by_class.items():
                classes.setdefault(label, [0] * (last - first + 1))[span - first] = number
        return {"seconds": SPAN_SECONDS, "since": begun, "classes": classes}

    def _span(self) -> int:
        """The number of the span that is under way, from 0."""
        return int((time.monotonic() - self._first_span_at) // SPAN_SECONDS)


def _nothing() -> bool:
    return False


def _percentile(values: Sequence[float], fraction: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(fraction * len(ordered)))]
