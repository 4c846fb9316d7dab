"""Takes frames from a source through a detector into sinks, all at the same time.

    source -> queue -> prepare -> engine -> read out, filter -> a queue for each sink -> sinks

Each arrow leaves one thread for another. OpenCV, the engine's process and the sinks' files do their
work outside Python's lock, so that the stages really overlap; every queue is short, so that a frame
is never old and memory never grows.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np

from runtime.common.values import Detection
from runtime.filters import Filter
from runtime.frames.motion import MotionGate
from runtime.frames.queue import BLOCK, LATEST, Arrival, FrameQueue, Policy
from runtime.frames.regions import Cut, Region
from runtime.inference.detector import Detector
from runtime.inference.process.worker import Lost, Worker
from runtime.pipeline.active_model import Equipment, Exchange
from runtime.pipeline.capture import LAST_FRAME_SECONDS, Capture, Playing
from runtime.pipeline.sink_thread import SinkThread
from runtime.sinks import Sink
from runtime.sources import Source
from runtime.telemetry.state import State
from runtime.telemetry.summary import Summary, Totals

# SIGTERM has to be done with in two seconds; what is under way in the engine and in the sinks gets
# this much of them.
ENGINE_SECONDS = 0.8
SINK_SECONDS = 0.5

# How soon the main thread notices things, and how soon a sink on it gets its frame.
_TICK = 0.1
_SHORT_TICK = 0.005


@dataclass(frozen=True)
class Settings:
    """How a loop works. Without a `policy`, a live source or one played in real time gives the latest
    frame, and any other source waits. `motion` is the share of pixels that must change.
    """

    policy: Optional[Policy] = None
    playing: Playing = Playing()
    motion: Optional[float] = None
    regions: Tuple[Region, ...] = ()


def run(
    detector: Detector,
    source: Source,
    sinks: Sequence[Sink],
    frames: Optional[int] = None,
    progress: Optional[Callable[[int], None]] = None,
    state: Optional[State] = None,
    filters: Sequence[Filter] = (),
    settings: Settings = Settings(),
    reopen: Optional[Callable[[], Source]] = None,
    workers: Sequence[Worker] = (),
    exchange: Optional[Exchange] = None,
) -> Summary:
    """Detects in up to `frames` frames of `source` (all without it) and hands them to every sink.

    `filters` change the detections of every frame, one after the other. `reopen` opens a live source
    again that was lost. `workers` are engines with the detector's model in them; without any, its own
    is used. Through `exchange` others take their place, with another detector and other filters.
    `progress` is called with the number of frames done. The source, the sinks and the
    workers stay open; errors of the source and of lossless sinks end the run and are raised. Without
    a `state` there is one all the same, for the sinks.
    """
    if state is None:
        state = State(detector.path, detector.labels, detector.score)
    workers = workers or [Worker(detector.runner, state)]
    equipment = Equipment(detector, tuple(filters), tuple(workers), detector.score)
    return _Loop(equipment, source, sinks, frames, progress, state, settings, reopen, exchange or Exchange()).run()


@dataclass(eq=False)
class _Job:
    """A frame on its way, with what it was prepared by. `detections` are there when it is done; None then
    stands for a lost frame.
    """

    number: int
    by: Equipment
    arrival: Arrival
    cut: Optional[Cut]
    times: Dict[str, float]
    done: bool = False
    detections: Optional[Tuple[Detection, ...]] = None


class _Loop:
    def __init__(
        self,
        equipment: Equipment,
        source: Source,
        sinks: Sequence[Sink],
        frames: Optional[int],
        progress: Optional[Callable[[int], None]],
        state: State,
        settings: Settings,
        reopen: Optional[Callable[[], Source]],
        exchange: Exchange,
    ) -> None:
        self._equipment = equipment
        self._exchange = exchange
        self._source = source
        self._frames = frames
        self._progress = progress
        self._state = state
        self._settings = settings
        playing = settings.playing
        self._policy = settings.policy or (LATEST if source.live or playing.realtime else BLOCK)
        self._gate = MotionGate(settings.motion) if settings.motion is not None else None
        self._cut: Optional[Cut] = None
        self._queue = FrameQueue(self._policy, state.dropped_by_source)
        playing = Playing(playing.realtime, playing.repeat, frames, playing.retries)
        self._capture = Capture(source, self._queue, state, playing, reopen)
        self._totals = Totals()
        # Guards the order of what comes out; the condition tells of frames, and of room in the engines.
        self._order = threading.RLock()
        self._changed = self._queue.changed
        self._jobs: Dict[int, _Job] = {}
        self._next_out = 0
        self._fed = threading.Event()
        self._given_up = False
        self._errors: List[BaseException] = []
        self._finished = threading.Event()
        self._sinks = sinks
        self._outlets: List[SinkThread] = []
        self._feeding: Optional[threading.Thread] = None
        # Those of models that were replaced too, while something is under way in them.
        self._collecting: Dict[Worker, threading.Thread] = {}

    def run(self) -> Summary:
        state, source = self._state, self._source
        state.source(name=source.name, state="starting")
        self._exchange.ring = self._tell_room
        names = _distinct([sink.name or type(sink).__name__ for sink in self._sinks])
        for name in names:
            state.dropped_by_sink(name, 0)
        for sink in self._sinks:
            sink.attach(state)
        begin = time.perf_counter()
        waits = not (source.live or self._policy.drops)
        self._outlets = [
            SinkThread(sink, name, state, waits and sink.lossless, self._end_early)
            for sink, name in zip(self._sinks, names)
        ]
        self._feeding = threading.Thread(target=self._feed, name="prepare", daemon=True)
        self._use(self._equipment)
        self._capture.start()
        self._feeding.start()
        try:
            self._wait()
        finally:
            # Also where the user has interrupted: what was seen until then is kept.
            self._shut_down()
        for error in (*(outlet.error for outlet in self._outlets), *self._errors, self._capture.error):
            if error is not None:
                raise error
        return self._totals.summary(state.snapshot(), time.perf_counter() - begin)

    def _wait(self) -> None:
        """Until all is done, somebody has asked for the end, or there is an error."""
        here = [outlet for outlet in self._outlets if outlet.on_main_thread]
        while not self._finished.wait(_SHORT_TICK if here else _TICK):
            for outlet in here:
                outlet.turn()
            if self._state.stopping:
                return

    def _shut_down(self) -> None:
        finished = self._finished.is_set() and not self._errors
        self._state.stop()
        self._queue.close()
        if not finished:
            self._finished.wait(ENGINE_SECONDS)
        with self._changed:
            self._given_up = True
            self._changed.notify_all()
        collecting = dict(self._collecting)
        for worker in collecting:
            worker.end()
        for thread in (self._feeding, *collecting.values()):
            # They end at once, but for one that waits for an engine that hangs.
            thread.join(_TICK)
        # Longer for a source, which nobody may close while its thread reads from it.
        self._capture.join(LAST_FRAME_SECONDS + 2 * _TICK)
        # A source that has an end has handed over all there is, and files want all of it.
        patience = SINK_SECONDS if not finished or self._source.live else float("inf")
        until = time.monotonic() + patience
        for outlet in self._outlets:
            # Longer than anyone waits; threads know no infinity.
            outlet.end(min(until - time.monotonic(), threading.TIMEOUT_MAX / 2))

    def _end_early(self) -> None:
        self._state.stop()
        self._finished.set()

    def _feed(self) -> None:
        """Prepares frames and hands them to the engine that has room."""
        number = 0
        try:
            while not self._given_up:
                arrival = self._queue.take(lambda: self._exchange.is_waiting or self._given_up)
                self._change()
                if arrival is None:
                    if self._queue.closed and not self._queue.waiting:
                        break
                    continue
                if self._gate is not None and not self._gate.moves(arrival.frame.image):
                    self._state.count("still")
                    continue
                job, tensor = self._prepare(number, arrival)
                worker = self._room()
                while worker is None and self._exchange.is_waiting:
                    # The frame is for the model that comes.
                    self._change()
                    job, tensor = self._prepare(number, arrival)
                    worker = self._room()
                if worker is None:
                    # A newer frame has come before there was room.
                    self._state.dropped_by_source()
                    continue
                with self._order:
                    self._jobs[number] = job
                number += 1
                worker.submit(tensor, job)
                if self._policy.drops and number == self._frames:
                    self._queue.close()
                    break
        except BaseException as error:
            self._fail(error)
        finally:
            self._fed.set()
            self._finish_if_done()

    def _change(self) -> None:
        """Between two frames: another model, where one waits."""
        change = self._exchange.take()
        if change is not None:
            self._use(change(self._drain))

    def _use(self, equipment: Equipment) -> None:
        """What comes from now on goes to `equipment`; what is under way comes out of the old."""
        for worker in self._equipment.workers if equipment is not self._equipment else ():
            worker.retire()
        self._equipment = equipment
        for worker in equipment.workers:
            thread = threading.Thread(target=self._collect, args=(worker,), name="engine", daemon=True)
            self._collecting[worker] = thread
            thread.start()
        detector = equipment.detector
        self._state.engine(name=detector.engine, package=detector.runner.package, state="running")

    def _drain(self) -> None:
        """Until what is under way has come out; then the engines are gone."""
        threads = [self._collecting[worker] for worker in self._equipment.workers if worker in self._collecting]
        for worker in self._equipment.workers:
            worker.retire()
        for thread in threads:
            # One that hangs is ended by its watchdog.
            thread.join()

    def _prepare(self, number: int, arrival: Arrival) -> Tuple[_Job, np.ndarray]:
        start = time.perf_counter()
        equipment, image = self._equipment, arrival.frame.image
        self._exchange.frame = arrival.frame
        cut = self._cut_for(image)
        tensor = equipment.detector.preprocess(image if cut is None else cut.apply(image), arrival.frame.color)
        times = {"capture": arrival.capture_ms, "preprocess": 1000 * (time.perf_counter() - start)}
        return _Job(number, equipment, arrival, cut, times), tensor

    def _cut_for(self, image: np.ndarray) -> Optional[Cut]:
        if not self._settings.regions:
            return None
        size = (image.shape[1], image.shape[0])
        if self._cut is None or self._cut.of != size:
            self._cut = Cut(self._settings.regions, *size)
        return self._cut

    def _room(self) -> Optional[Worker]:
        """An engine with room; None where a newer frame comes first, and the policy wants that one, or
        where another model comes first.

        So the frame that waits, ready for the engine, is always the newest.
        """
        most = 1 if self._policy == LATEST else None
        with self._changed:
            while not self._given_up:
                for worker in self._equipment.workers:
                    if worker.has_room(most):
                        return worker
                if self._exchange.is_waiting:
                    return None
                if self._policy == LATEST and self._queue.waiting:
                    return None
                self._changed.wait()
        return None

    def _collect(self, worker: Worker) -> None:
        """Takes what comes out of one engine."""
        try:
            while not self._given_up:
                job, outcome = worker.next(self._tell_room)
                if job is None:
                    break
                if isinstance(outcome, Lost):
                    self._state.dropped_by_engine()
                else:
                    self._read_out(job, *outcome)
                self._emit(job)
            if worker.is_retired:
                worker.close()
                del self._collecting[worker]
        except BaseException as error:
            self._fail(error)

    def _tell_room(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _read_out(self, job: _Job, raw: List[np.ndarray], invoke_ms: float) -> None:
        start = time.perf_counter()
        detector = job.by.detector
        detector.score = self._state.score
        height, width = job.arrival.frame.image.shape[:2]
        if job.cut is not None:
            height, width = job.cut.bottom - job.cut.top, job.cut.right - job.cut.left
        detections = detector.postprocess(raw, width, height)
        if job.cut is not None:
            detections = job.cut.undo(detections)
        end = time.perf_counter()
        job.times["invoke"] = invoke_ms
        job.times["postprocess"] = 1000 * (end - start)
        job.times["total"] = 1000 * (end - job.arrival.at)
        job.detections = detections

    def _emit(self, job: _Job) -> None:
        """Hands on what is done, in the order in which it went in."""
        with self._order:
            job.done = True
            while self._next_out in self._jobs and self._jobs[self._next_out].done:
                ready = self._jobs.pop(self._next_out)
                self._next_out += 1
                if ready.detections is not None:
                    self._hand_on(ready)
        self._finish_if_done()

    def _hand_on(self, job: _Job) -> None:
        frame, detections = job.arrival.frame, job.detections
        for change in job.by.filters:
            detections = change(frame, detections)
        job.detections = detections
        self._totals.add(len(detections), job.times)
        self._state.frame_done(detections, job.times)
        for outlet in self._outlets:
            outlet.put(frame, detections)
        if self._progress:
            self._progress(self._totals.frames)

    def _finish_if_done(self) -> None:
        with self._order:
            if self._fed.is_set() and not self._jobs:
                self._finished.set()

    def _fail(self, error: BaseException) -> None:
        self._errors.append(error)
        self._end_early()


def _distinct(names: Sequence[str]) -> List[str]:
    """The names, with a number behind one that was there before."""
    found: List[str] = []
    for name in names:
        number = sum(1 for other in found if other == name or other.startswith(f"{name} ")) + 1
        found.append(name if number == 1 else f"{name} {number}")
    return found
