"""The detection loop: passes frames from a source through a detector into sinks, as a pipeline of threads.

    source -> queue -> preprocess -> engine -> postprocess, filter -> one queue per sink -> sinks

Each arrow is a handover between threads. OpenCV, the engine's process and file output release the GIL, so
the stages overlap. Every queue is short: frames stay recent, and memory use stays constant.
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
from runtime.frames.regions import Crop, Region
from runtime.inference.detector import Detector
from runtime.inference.process.worker import Lost, Worker
from runtime.pipeline.active_model import ActiveModel, PendingSwap
from runtime.pipeline.capture import LAST_FRAME_SECONDS, Capture, Playback
from runtime.pipeline.sink_thread import SinkThread
from runtime.sinks import Sink
from runtime.sources import Source
from runtime.telemetry.state import State
from runtime.telemetry.summary import Summary, Totals

# A run ends within two seconds of SIGTERM; frames in the engine and in the sinks' queues get these
# shares of that time.
ENGINE_SECONDS = 0.8
SINK_SECONDS = 0.5

# Seconds between two checks by the main thread: usually, and with a sink that runs on the main thread.
_TICK = 0.1
_SHORT_TICK = 0.005


@dataclass(frozen=True)
class Settings:
    """Settings of the loop.

    Without a `policy`, a live source or one played in real time uses `latest`, any other source `block`.
    `motion` is the share of pixels (0 to 1) that must change for a frame to be processed, None for every
    frame. `regions` are the regions of interest, empty for the whole image.
    """

    policy: Optional[Policy] = None
    playback: Playback = Playback()
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
    pending: Optional[PendingSwap] = None,
) -> Summary:
    """Detects objects in the frames of a source and passes frames and detections to every sink.

    Args:
        detector: its threshold follows that of `state`.
        source: where the frames come from.
        sinks: get every processed frame with its detections.
        frames: the most frames to process; None for all.
        progress: called with the number of frames processed so far.
        state: the state of the run; None makes one.
        settings: queue, playback, motion detection and regions.
        filters: applied to the detections of every frame, in this order.
        reopen: opens a live source again after it was lost.
        workers: engines that have loaded the detector's model; empty to use the detector's own.
        pending: through it, another model replaces the detector, its workers and the filters.

    The source, the sinks and the workers stay open. Raises the error of the source or of a lossless sink,
    which ends the run.
    """
    if state is None:
        state = State(detector.path, detector.labels, detector.score)
    workers = workers or [Worker(detector.runner, state)]
    active = ActiveModel(detector, tuple(filters), tuple(workers), detector.score)
    return _Loop(active, source, sinks, frames, progress, state, settings, reopen, pending or PendingSwap()).run()


@dataclass(eq=False)
class _Job:
    """A frame in the pipeline, with the model that it was preprocessed for.

    `detections` are set when the frame is `done`; None then means that the frame was lost.
    """

    number: int
    model: ActiveModel
    arrival: Arrival
    crop: Optional[Crop]
    times: Dict[str, float]
    done: bool = False
    detections: Optional[Tuple[Detection, ...]] = None


class _Loop:
    def __init__(
        self,
        active: ActiveModel,
        source: Source,
        sinks: Sequence[Sink],
        frames: Optional[int],
        progress: Optional[Callable[[int], None]],
        state: State,
        settings: Settings,
        reopen: Optional[Callable[[], Source]],
        pending: PendingSwap,
    ) -> None:
        self._active = active
        self._pending = pending
        self._source = source
        self._frames = frames
        self._progress = progress
        self._state = state
        self._settings = settings
        playback = settings.playback
        self._policy = settings.policy or (LATEST if source.live or playback.realtime else BLOCK)
        self._gate = MotionGate(settings.motion) if settings.motion is not None else None
        self._crop: Optional[Crop] = None
        self._queue = FrameQueue(self._policy, state.dropped_by_source)
        playback = Playback(playback.realtime, playback.repeat, frames, playback.retries)
        self._capture = Capture(source, self._queue, state, playback, reopen)
        self._totals = Totals()
        # Guards the order of the output. The condition announces new frames and free slots in the engines.
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
        self._feeding = threading.Thread(target=self._feed, name="prepare", daemon=True)
        # One thread per worker, including workers of replaced models that still have frames in them.
        self._collecting: Dict[Worker, threading.Thread] = {}

    def run(self) -> Summary:
        state, source = self._state, self._source
        state.source(name=source.name, state="starting")
        self._pending.notify = self._notify
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
        self._use(self._active)
        self._capture.start()
        self._feeding.start()
        try:
            self._wait()
        finally:
            # Also after an interrupt: the results so far are kept.
            self._shut_down()
        for error in (*(outlet.error for outlet in self._outlets), *self._errors, self._capture.error):
            if error is not None:
                raise error
        return self._totals.summary(state.snapshot(), time.perf_counter() - begin)

    def _wait(self) -> None:
        """Returns when all frames are processed, a stop was requested, or an error occurred."""
        here = [outlet for outlet in self._outlets if outlet.on_main_thread]
        while not self._finished.wait(_SHORT_TICK if here else _TICK):
            for outlet in here:
                outlet.write_next()
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
            # They end at once, except for one that waits for an engine that hangs.
            thread.join(_TICK)
        # A source gets longer: it must not be closed while its thread reads from it.
        self._capture.join(LAST_FRAME_SECONDS + 2 * _TICK)
        # A source that is not live has delivered everything by now, and files must get all of it.
        patience = SINK_SECONDS if not finished or self._source.live else float("inf")
        until = time.monotonic() + patience
        for outlet in self._outlets:
            # Threads accept no infinite timeout; this is longer than any run.
            outlet.end(min(until - time.monotonic(), threading.TIMEOUT_MAX / 2))

    def _end_early(self) -> None:
        self._state.stop()
        self._finished.set()

    def _feed(self) -> None:
        """Preprocesses frames and submits each to an engine with a free slot."""
        number = 0
        try:
            while not self._given_up:
                arrival = self._queue.take(lambda: self._pending.is_pending or self._given_up)
                self._swap_if_pending()
                if arrival is None:
                    if self._queue.closed and not self._queue.waiting:
                        break
                    continue
                if self._gate is not None and not self._gate.has_motion(arrival.frame.image):
                    self._state.count("still")
                    continue
                job, tensor = self._prepare(number, arrival)
                worker = self._free_worker()
                while worker is None and self._pending.is_pending:
                    # Preprocess the frame again for the new model.
                    self._swap_if_pending()
                    job, tensor = self._prepare(number, arrival)
                    worker = self._free_worker()
                if worker is None:
                    # A newer frame arrived before a slot was free.
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

    def _swap_if_pending(self) -> None:
        """Activates another model, if a swap is pending. Called between two frames."""
        swap = self._pending.take()
        if swap is not None:
            self._use(swap(self._drain))

    def _use(self, model: ActiveModel) -> None:
        """Makes `model` the active one; frames that are already in the old model's engines finish there."""
        for worker in self._active.workers if model is not self._active else ():
            worker.retire()
        self._active = model
        for worker in model.workers:
            thread = threading.Thread(target=self._collect, args=(worker,), name="engine", daemon=True)
            self._collecting[worker] = thread
            thread.start()
        detector = model.detector
        self._state.engine(name=detector.engine, package=detector.runner.package, state="running")

    def _drain(self) -> None:
        """Waits for the frames in the active model's engines, and ends these engines."""
        threads = [self._collecting[worker] for worker in self._active.workers if worker in self._collecting]
        for worker in self._active.workers:
            worker.retire()
        for thread in threads:
            # The watchdog ends an engine that hangs.
            thread.join()

    def _prepare(self, number: int, arrival: Arrival) -> Tuple[_Job, np.ndarray]:
        start = time.perf_counter()
        model, image = self._active, arrival.frame.image
        self._pending.frame = arrival.frame
        crop = self._crop_for(image)
        tensor = model.detector.preprocess(image if crop is None else crop.apply(image), arrival.frame.color)
        times = {"capture": arrival.capture_ms, "preprocess": 1000 * (time.perf_counter() - start)}
        return _Job(number, model, arrival, crop, times), tensor

    def _crop_for(self, image: np.ndarray) -> Optional[Crop]:
        if not self._settings.regions:
            return None
        size = (image.shape[1], image.shape[0])
        if self._crop is None or self._crop.image_size != size:
            self._crop = Crop(self._settings.regions, *size)
        return self._crop

    def _free_worker(self) -> Optional[Worker]:
        """Waits for an engine with a free slot.

        None if a model swap is pending, or if a newer frame arrived and the policy is `latest`: the frame
        that is submitted is then always the newest.
        """
        most = 1 if self._policy == LATEST else None
        with self._changed:
            while not self._given_up:
                for worker in self._active.workers:
                    if worker.has_room(most):
                        return worker
                if self._pending.is_pending:
                    return None
                if self._policy == LATEST and self._queue.waiting:
                    return None
                self._changed.wait()
        return None

    def _collect(self, worker: Worker) -> None:
        """Thread that processes the outputs of one engine."""
        try:
            while not self._given_up:
                job, outcome = worker.next(self._notify)
                if job is None:
                    break
                if isinstance(outcome, Lost):
                    self._state.dropped_by_engine()
                elif outcome is not None:
                    self._postprocess(job, *outcome)
                self._emit(job)
            if worker.is_retired:
                worker.close()
                del self._collecting[worker]
        except BaseException as error:
            self._fail(error)

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _postprocess(self, job: _Job, raw: List[np.ndarray], invoke_ms: float) -> None:
        start = time.perf_counter()
        detector = job.model.detector
        detector.score = self._state.score
        height, width = job.arrival.frame.image.shape[:2]
        if job.crop is not None:
            height, width = job.crop.bottom - job.crop.top, job.crop.right - job.crop.left
        detections = detector.postprocess(raw, width, height)
        if job.crop is not None:
            detections = job.crop.to_image(detections)
        end = time.perf_counter()
        job.times["invoke"] = invoke_ms
        job.times["postprocess"] = 1000 * (end - start)
        job.times["total"] = 1000 * (end - job.arrival.at)
        job.detections = detections

    def _emit(self, job: _Job) -> None:
        """Passes on the jobs that are done, in the order of their frames."""
        with self._order:
            job.done = True
            while self._next_out in self._jobs and self._jobs[self._next_out].done:
                ready = self._jobs.pop(self._next_out)
                self._next_out += 1
                if ready.detections is not None:
                    self._pass_on(ready, ready.detections)
        self._finish_if_done()

    def _pass_on(self, job: _Job, detections: Tuple[Detection, ...]) -> None:
        frame = job.arrival.frame
        for apply_filter in job.model.filters:
            detections = apply_filter(frame, detections)
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
    """The names; a number is appended to a repeated one."""
    found: List[str] = []
    for name in names:
        number = sum(1 for other in found if other == name or other.startswith(f"{name} ")) + 1
        found.append(name if number == 1 else f"{name} {number}")
    return found
