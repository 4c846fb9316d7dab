"""The detection loop: passes frames from a source through a detector into sinks, as a pipeline of threads.

    source -> queue -> preprocess -> engine -> postprocess, filter, count -> one queue per sink -> sinks

Each arrow is a handover between threads. OpenCV, the engine's process and file output release the GIL, so
the stages overlap. Every queue is short: frames stay recent, and memory use stays constant.

An engine does not wait for the loop. With the policies `block` and `drop-oldest`, inputs wait in the engine's process.
With `latest`, one is preprocessed and waits here, where a newer frame can replace it until the engine is free; the
thread that collects an engine's outputs hands it over at once.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from typing import Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np

from runtime.filters import Filter
from runtime.frames.blurring import Blurring
from runtime.frames.masks import Blackout, Mask
from runtime.frames.motion import MotionGate
from runtime.frames.queue import BLOCK, LATEST, Arrival, FrameQueue, Policy
from runtime.frames.regions import Crops, Region
from runtime.inference.detector import Detector
from runtime.inference.process.scheduling import give_way
from runtime.inference.process.shared_tensors import SLOTS
from runtime.inference.process.worker import Lost, Worker
from runtime.pipeline.active_model import ActiveModel, PendingSwap
from runtime.pipeline.capture import LAST_FRAME_SECONDS, Capture, Playback
from runtime.pipeline.delivery import Delivery
from runtime.pipeline.job import Job
from runtime.pipeline.shadow import SecondModel
from runtime.sinks import Sink
from runtime.sources import Source
from runtime.telemetry.state import State
from runtime.telemetry.summary import Summary
from runtime.zones.watch import Watch

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
    frame. `regions` are the regions of interest, empty for the whole image. `masks` are blackened before anything sees a
    frame; objects of the classes `blurred` are made unrecognizable before any sink does.
    """

    policy: Optional[Policy] = None
    playback: Playback = Playback()
    motion: Optional[float] = None
    regions: Tuple[Region, ...] = ()
    masks: Tuple[Mask, ...] = ()
    blurred: Tuple[str, ...] = ()


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
    shadow: Optional[SecondModel] = None,
    watch: Optional[Watch] = None,
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
        shadow: a second model that is compared with the detector.
        watch: counts at zones and lines, after the filters.
        pending: through it, another model replaces the detector, its workers and the filters.

    The source, the sinks and the workers stay open. Raises the error of the source or of a lossless sink,
    which ends the run.
    """
    if state is None:
        state = State(detector.path, detector.labels, detector.score, detector.scores)
    workers = workers or [Worker(detector.runner, state)]
    active = ActiveModel(detector, tuple(filters), tuple(workers), detector.score)
    return _Loop(active, source, sinks, frames, progress, state, settings, reopen, pending or PendingSwap(), shadow, watch).run()


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
        shadow: Optional[SecondModel],
        watch: Optional[Watch],
    ) -> None:
        self._active = active
        self._pending = pending
        self._source = source
        self._frames = frames
        self._state = state
        self._settings = settings
        playback = settings.playback
        self._policy = settings.policy or (LATEST if source.live or playback.realtime else BLOCK)
        self._gate = MotionGate(settings.motion) if settings.motion is not None else None
        self._crops = Crops(settings.regions, source.live)
        self._blackout = Blackout(settings.masks, source.live)
        self._blurring = Blurring(settings.blurred) if settings.blurred else None
        self._queue = FrameQueue(self._policy, state.dropped_by_source)
        playback = Playback(playback.realtime, playback.repeat, frames, playback.retries)
        self._capture = Capture(source, self._queue, state, playback, reopen)
        self._delivery = Delivery(sinks, active.filters, self._blurring, shadow, watch, state, progress)
        # Guards the order of the output. The condition announces new frames and free slots in the engines.
        self._order = threading.RLock()
        # Guards the numbers of the jobs. Whoever hands a job over to an engine never waits for a filter or a sink.
        self._numbering = threading.Lock()
        self._changed = self._queue.changed
        self._jobs: Dict[int, Job] = {}
        self._submitted = 0
        self._next_out = 0
        # Whether a frame is between the queue and an engine.
        self._preparing = False
        # With the policy `latest`: the newest frame, preprocessed, while no engine is free.
        self._newest: Optional[Tuple[Job, List[np.ndarray]]] = None
        self._fed = threading.Event()
        self._given_up = False
        self._errors: List[BaseException] = []
        self._finished = threading.Event()
        self._feeding = threading.Thread(target=self._feed, name="prepare", daemon=True)
        # One thread per worker, including workers of replaced models that still have frames in them.
        self._collecting: Dict[Worker, threading.Thread] = {}

    def run(self) -> Summary:
        state, source = self._state, self._source
        state.source(name=source.name, state="starting")
        self._pending.notify = self._notify
        self._delivery.start(not (source.live or self._policy.drops), self._end_early)
        begin = time.perf_counter()
        self._use(self._active)
        before, state.has_work = state.has_work, self._has_work
        self._capture.start()
        self._feeding.start()
        try:
            self._wait()
        finally:
            # Also after an interrupt: the results so far are kept.
            self._shut_down()
            state.has_work = before
        for error in (*self._delivery.errors, *self._errors, self._capture.error):
            if error is not None:
                raise error
        return self._delivery.totals.summary(state.snapshot(), time.perf_counter() - begin)

    def _wait(self) -> None:
        """Returns when all frames are processed, a stop was requested, or an error occurred."""
        here = self._delivery.on_main_thread()
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
        self._delivery.end(patience)

    def _has_work(self) -> bool:
        """Whether there is a frame that is not finished. Where not, the loop waits for its source."""
        return self._preparing or self._queue.waiting or self._newest is not None or bool(self._jobs)

    def _end_early(self) -> None:
        self._state.stop()
        self._finished.set()

    def _feed(self) -> None:
        """Preprocesses frames and submits each to an engine with a free slot."""
        try:
            while not self._given_up:
                self._preparing = False
                arrival = self._queue.take(lambda: self._pending.is_pending or self._given_up)
                self._preparing = arrival is not None
                self._swap_if_pending()
                if arrival is None:
                    if self._queue.closed and not self._queue.waiting:
                        break
                    continue
                arrival = replace(arrival, frame=self._blackout(arrival.frame))
                if self._gate is not None and not self._gate.has_motion(arrival.frame.image):
                    self._state.count("still")
                    continue
                if self._policy == LATEST:
                    self._offer(arrival)
                else:
                    self._submit_when_free(arrival)
                if self._has_enough():
                    self._queue.close()
                    break
            while self._newest_waits():
                self._swap_if_pending()
        except BaseException as error:
            self._fail(error)
        finally:
            self._preparing = False
            self._fed.set()
            self._finish_if_done()

    def _swap_if_pending(self) -> None:
        """Activates another model, if a swap is pending. Called between two frames."""
        swap = self._pending.take()
        if swap is not None:
            with self._changed:
                newest, self._newest = self._newest, None
            self._use(swap(self._drain))
            if newest is not None:
                # Preprocessed again, for the new model.
                self._offer(newest[0].arrival)

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

    def _offer(self, arrival: Arrival) -> None:
        """Preprocesses a frame for the first engine that is free; it replaces the one before it that still waits."""
        prepared = self._prepare(arrival)
        with self._changed:
            # Even where an engine is free by now: its thread would hand it over after this one.
            if self._newest is not None:
                self._state.dropped_by_source()
                self._newest = None
            worker = next((worker for worker in self._active.workers if worker.has_room(1)), None)
            if worker is not None:
                self._submit(worker, *prepared)
            else:
                self._newest = prepared

    def _newest_waits(self) -> bool:
        """Waits until an engine has the newest frame; true where a model swap has to come before."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest is None or self._pending.is_pending or self._given_up)
            if self._given_up and self._newest is not None:
                self._newest = None
                self._state.dropped_by_source()
            return self._newest is not None

    def _has_enough(self) -> bool:
        """Whether as many frames as were asked for are submitted or wait; a source that drops none counts them itself."""
        with self._changed:
            return self._policy.drops and self._submitted + (self._newest is not None) == self._frames

    def _submit_when_free(self, arrival: Arrival) -> None:
        """Preprocesses a frame and submits it to the first engine with a free slot."""
        prepared = self._prepare(arrival)
        worker = self._free_worker()
        while worker is None and not self._given_up:
            self._swap_if_pending()
            # Preprocessed again, for the new model.
            prepared = self._prepare(arrival)
            worker = self._free_worker()
        if worker is not None:
            self._submit(worker, *prepared)
        else:
            self._state.dropped_by_source()

    def _submit(self, worker: Worker, job: Job, tensors: List[np.ndarray]) -> None:
        with self._numbering:
            job.number = self._submitted
            self._jobs[job.number] = job
            self._submitted += 1
        worker.submit(tensors, job)

    def _prepare(self, arrival: Arrival) -> Tuple[Job, List[np.ndarray]]:
        self._pending.frame = arrival.frame
        return Job.prepared(self._active, arrival, self._crops.of(arrival.frame.image))

    def _free_worker(self) -> Optional[Worker]:
        """Waits for an engine with a free slot; None if a model swap is pending."""
        # A frame that a newer one might replace is not held by the engine for longer than one run.
        most = 2 if self._policy.drops else None
        with self._changed:
            while not self._given_up:
                free = [worker for worker in self._active.workers if worker.has_room(most)]
                if free:
                    return min(free, key=lambda worker: worker.in_flight)
                if self._pending.is_pending:
                    return None
                self._changed.wait()
        return None

    def _collect(self, worker: Worker) -> None:
        """Thread that processes the outputs of one engine."""
        give_way()

        def on_room() -> None:
            with self._changed:
                # Workers of a model that was replaced have no room.
                if self._newest is not None and worker.has_room(1):
                    newest, self._newest = self._newest, None
                    self._submit(worker, *newest)
                # While two inputs wait in the engine, there is no hurry; see SLOTS.
                if self._policy.drops or worker.in_flight <= SLOTS - 2:
                    self._changed.notify_all()

        try:
            while not self._given_up:
                job, outcome = worker.next(on_room)
                if job is None:
                    break
                if isinstance(outcome, Lost):
                    self._state.dropped_by_engine()
                elif outcome is not None:
                    job.finish(*outcome, self._state.score, self._delivery.floor, self._blurring)
                self._emit(job)
            if worker.is_retired:
                worker.close()
                del self._collecting[worker]
        except BaseException as error:
            self._fail(error)

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _emit(self, job: Job) -> None:
        """Passes on the jobs that are done, in the order of their frames."""
        with self._order:
            job.done = True
            while self._next_out in self._jobs and self._jobs[self._next_out].done:
                ready = self._jobs[self._next_out]
                try:
                    if ready.detections is not None:
                        self._delivery.pass_on(ready, ready.detections)
                finally:
                    # Only now: what hangs in a filter is not finished.
                    del self._jobs[self._next_out]
                    self._next_out += 1
        self._finish_if_done()

    def _finish_if_done(self) -> None:
        with self._order:
            if self._fed.is_set() and not self._jobs:
                self._finished.set()

    def _fail(self, error: BaseException) -> None:
        self._errors.append(error)
        self._end_early()

