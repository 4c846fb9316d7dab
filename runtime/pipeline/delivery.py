"""What becomes of a frame and its detections: blurred, filtered, counted at zones, compared, and put before each sink."""

from __future__ import annotations

import time
from typing import Callable, List, Optional, Sequence, Tuple

from runtime.common.values import Detection
from runtime.filters import Filter, carry_over
from runtime.frames.blurring import Blurring
from runtime.pipeline.job import Job
from runtime.pipeline.shadow import SecondModel
from runtime.pipeline.sink_thread import LONGEST_SECONDS, SinkThread, distinct
from runtime.sinks import Sink
from runtime.telemetry.state import State
from runtime.telemetry.summary import Totals
from runtime.zones.watch import Watch


class Delivery:
    """The end of the loop. Frames come in the order of the source, from one thread at a time."""

    def __init__(
        self,
        sinks: Sequence[Sink],
        filters: Sequence[Filter],
        blurring: Optional[Blurring],
        shadow: Optional[SecondModel],
        watch: Optional[Watch],
        state: State,
        progress: Optional[Callable[[int], None]],
    ) -> None:
        """`filters` are those of the model that is active at first; the other arguments are those of `loop.run`."""
        self.totals = Totals()
        self._sinks = sinks
        # Those of the latest frame that was passed on.
        self._filters = filters
        self._blurring = blurring
        self._shadow = shadow
        self._watch = watch
        self._state = state
        self._progress = progress
        self._outlets: List[SinkThread] = []

    def start(self, waits: bool, failed: Callable[[], None]) -> None:
        """Begins with the sinks. If `waits`, frames wait for sinks that must have all. `failed` is called when a sink ends the run."""
        names = distinct([sink.name or type(sink).__name__ for sink in self._sinks])
        for name in names:
            self._state.dropped_by_sink(name, 0)
        for sink in self._sinks:
            sink.attach(self._state)
        self._outlets = [
            SinkThread(sink, name, self._state, waits and sink.lossless, failed) for sink, name in zip(self._sinks, names)
        ]

    @property
    def errors(self) -> List[BaseException]:
        """Of sinks that ended the run."""
        return [outlet.error for outlet in self._outlets if outlet.error is not None]

    @property
    def floor(self) -> Optional[float]:
        """The lowest score that a sink wants of candidates, None where none does. It may change with each frame."""
        return min((sink.floor for sink in self._sinks if sink.floor is not None), default=None)

    def on_main_thread(self) -> List[SinkThread]:
        """Those that the main thread has to drive."""
        return [outlet for outlet in self._outlets if outlet.on_main_thread]

    def pass_on(self, job: Job, detections: Tuple[Detection, ...]) -> None:
        """Passes on a frame with its detections."""
        frame = job.arrival.frame
        # Before the image is changed: both models see the same.
        prepared = self._shadow.prepare(frame, job.crop) if self._shadow is not None else None
        if self._blurring is not None:
            frame = self._blurring(frame, job.to_blur, job.crop.box if job.crop is not None else None)
        if job.model.filters is not self._filters:
            # Frames in flight keep the model, and so the filters, that they were prepared for; their order is that of the source.
            carry_over(self._filters, job.model.filters)
            self._filters = job.model.filters
        for apply_filter in self._filters:
            detections = apply_filter(frame, detections)
        if self._watch is not None:
            frame, detections = self._watch(frame, detections)
        if prepared is not None:
            prepared.compare(frame, detections)
        self.totals.add(len(detections), job.times)
        self._state.frame_done(detections, job.times)
        for outlet in self._outlets:
            outlet.put(frame, detections, job.candidates)
        if self._progress:
            self._progress(self.totals.frames)

    def end(self, seconds: float) -> None:
        """Gives all sinks together `seconds` to write what waits for them, and completes their files."""
        until = time.monotonic() + seconds
        for outlet in self._outlets:
            outlet.end(min(until - time.monotonic(), LONGEST_SECONDS))
        for sink in self._sinks:
            sink.finish()
