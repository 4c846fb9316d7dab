"""What a running loop knows about itself, for whoever shows or reports it."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from typing import Any, Deque, Dict, Mapping, Sequence, Tuple

from runtime.common.values import Detection, Labels

# In the order of work. `total` is from the capture of a frame to its detections.
STAGES = ("capture", "preprocess", "invoke", "postprocess", "total")

# Percentiles are those of this many frames, the rate that of these seconds.
LATEST_FRAMES = 300
RATE_SECONDS = 5.0

# Counts by class: so many spans of so many seconds, the last ten minutes.
SPAN_SECONDS = 5
SPANS = 120


class State:
    """Counts of one run. The loop writes; any thread may read `snapshot` and set `score`.

    `score` is the threshold for the frames that follow, 0..1; classes with a threshold of their own
    keep that.
    """

    def __init__(self, model: str = "", labels: Labels = Labels(()), score: float = 0.5) -> None:
        """`model` is the model's file; with its folder where others are to find it."""
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._reload_asked = threading.Event()
        self._reload: Dict[str, Any] = {"count": 0, "failures": 0, "error": ""}
        self._reloading = False
        self._path = model
        self._labels = labels
        self._score = 0.0
        self.score = score
        self._started = time.time()
        self._counts = {"frames": 0, "detections": 0, "gaps": 0, "skipped": 0, "still": 0}
        self._dropped_by_source = self._dropped_by_engine = 0
        self._dropped_by_sink: Dict[str, int] = {}
        self._engine: Dict[str, Any] = {"name": "", "package": "", "state": "starting", "restarts": 0}
        self._source: Dict[str, Any] = {"name": "", "state": "starting", "retries": 0}
        self._times: Dict[str, Deque[float]] = {stage: deque(maxlen=LATEST_FRAMES) for stage in STAGES}
        self._ends: Deque[float] = deque(maxlen=LATEST_FRAMES)
        self._spans: Deque[Tuple[int, Dict[str, int]]] = deque(maxlen=SPANS)

    @property
    def score(self) -> float:
        return self._score

    @score.setter
    def score(self, value: float) -> None:
        """Raises ValueError for what is no number from 0 to 1."""
        number = float(value)
        if not 0 <= number <= 1:
            raise ValueError(f"a score is a number from 0 to 1, not {value!r}")
        self._score = number

    @property
    def path(self) -> str:
        """The model's file, with its folder."""
        return self._path

    @property
    def stopping(self) -> bool:
        """Whether somebody has asked the run to end."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Asks the run to end: what is under way is finished, and sinks are closed."""
        self._stopping.set()

    def ask_reload(self) -> None:
        """Asks the run to load its model's file anew, and to go on with what is there now."""
        # Without the lock: a signal may come to a thread that holds it.
        self._reloading = True
        self._reload_asked.set()

    def wait_for_reload(self, seconds: float) -> bool:
        """Sleeps until `ask_reload`, but no longer than `seconds`; gives whether that was called since
        the last time.
        """
        asked = self._reload_asked.wait(seconds)
        self._reload_asked.clear()
        return asked

    def wait_for_stop(self, seconds: float) -> bool:
        """Sleeps, but no longer than until `stop`; gives whether that was called."""
        return self._stopping.wait(seconds)

    def snapshot(self) -> Dict[str, Any]:
        """Everything as values that JSON knows.

        `model` is the name of the model's file; `reload` says how many models took over while
        running and how many (`failures`) did not, why the last one asked for did not, empty where it did, and whether one is under way.
        `time` and `started` are seconds since 1970; `fps` the frames a second of the last seconds;
        `latency` milliseconds by stage, without the stages of which nothing is known yet;
        `dropped` frames that newer ones took the place of (`source`), that were lost with an engine
        that hung or died (`engine`), or that one of the `sinks` was too slow for;
        `gaps` how often the source was lost, `skipped` frames that it could not read, `still` those
        that the motion gate kept from the detector. `counts` has, for each class, detections in
        spans of `seconds`, the last of which is still running; `since` is where the first begins.
        """
        now = time.time()
        with self._lock:
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
            }

    def frame_done(self, detections: Sequence[Detection], times: Mapping[str, float]) -> None:
        """Counts a frame that went through the detector. `times` has milliseconds by stage."""
        span = int(time.time()) // SPAN_SECONDS
        with self._lock:
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

    def count(self, what: str, number: int = 1) -> None:
        """Adds to `gaps`, `skipped` or `still`."""
        with self._lock:
            self._counts[what] += number

    def dropped_by_source(self, number: int = 1) -> None:
        """Counts frames that newer ones took the place of."""
        with self._lock:
            self._dropped_by_source += number

    def dropped_by_engine(self, number: int = 1) -> None:
        """Counts frames that an engine was lost with."""
        with self._lock:
            self._dropped_by_engine += number

    def dropped_by_sink(self, name: str, number: int = 1) -> None:
        """Counts frames that a sink was too slow for; 0 makes the sink known."""
        with self._lock:
            self._dropped_by_sink[name] = self._dropped_by_sink.get(name, 0) + number

    def reloaded(self, path: str, labels: Labels) -> None:
        """Another model has taken over."""
        with self._lock:
            self._path, self._labels = path, labels
            self._reload.update(count=self._reload["count"] + 1, error="")
            self._reloading = False

    def reload_failed(self, reason: str) -> None:
        """The model that was to take over does not; the old one goes on."""
        with self._lock:
            self._reload.update(failures=self._reload["failures"] + 1, error=reason)
            self._reloading = False

    def engine(self, **values: Any) -> None:
        """Sets `name`, the `package` that holds the interpreter, `state` ("starting", "running",
        "restarting") or `restarts`.
        """
        with self._lock:
            self._engine.update(values)

    def engine_restarted(self, name: str) -> None:
        """Counts a new engine, which is called `name`."""
        with self._lock:
            self._engine.update(name=name, state="running", restarts=self._engine["restarts"] + 1)

    def source(self, **values: Any) -> None:
        """Sets `name`, `state` ("starting", "running", "reopening", "ended") or `retries`."""
        with self._lock:
            self._source.update(values)

    def _fps(self) -> float:
        now = time.monotonic()
        recent = [end for end in self._ends if now - end <= RATE_SECONDS]
        if len(recent) < 2:
            return 0.0
        # Fast loops fill the memory of ends in less than RATE_SECONDS; slow ones are let down by
        # the time since their last frame.
        return (len(recent) - 1) / max(now - recent[0], 1e-9)

    def _counts_by_class(self, now: float) -> Dict[str, Any]:
        last = int(now) // SPAN_SECONDS
        first = max(last - SPANS + 1, int(self._started) // SPAN_SECONDS)
        recent = [(span, by_class) for span, by_class in self._spans if span >= first]
        classes: Dict[str, list] = {}
        for span, by_class in recent:
            for label, number in by_class.items():
                row = classes.setdefault(label, [0] * (last - first + 1))
                if span <= last:
                    row[span - first] = number
        return {"seconds": SPAN_SECONDS, "since": first * SPAN_SECONDS, "classes": classes}


def _percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
