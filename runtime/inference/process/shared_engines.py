"""Engines that several loops use in turn. To each loop, its lane is one engine: it has the interface of `Worker`."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, Callable, Deque, Dict, List, Optional, Sequence, Set, Tuple

import numpy as np

from runtime.inference.process.scheduling import give_way
from runtime.inference.process.turns import Turns
from runtime.inference.process.worker import Outcome, Worker

# Most inputs in an engine: one that runs, and one that lies ready when that run ends. More would only wait longer there than
# in their lane, where a newer frame can replace them.
MOST = 2
# Most inputs of a lane that are in an engine, or came out and were not taken yet.
_MOST_OF_LANE = 2


class SharedEngines:
    """Shares engines that have loaded one model. Ends them when all lanes are retired or ended, and `seal` was called."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self._workers = tuple(workers)
        self._lock = threading.Lock()
        self._turns: Turns[Lane] = Turns()
        # Engines' places that are kept for lanes whose turn it is.
        self._kept: Dict[Worker, int] = dict.fromkeys(self._workers, 0)
        self._submitting = {worker: threading.Lock() for worker in self._workers}
        self._lanes: Set[Lane] = set()
        self._sealed = False
        self.error: Optional[BaseException] = None
        self._threads: List[threading.Thread] = [
            threading.Thread(target=self._collect, args=(worker,), name="shared engine", daemon=True)
            for worker in self._workers
        ]
        for thread in self._threads:
            thread.start()

    def lane(self) -> Lane:
        """Another lane."""
        made = Lane(self)
        with self._lock:
            self._lanes.add(made)
            error = self.error
        if error is not None:
            made.fail(error)
        return made

    def seal(self) -> None:
        """Declares that there will be no other lane."""
        self._sealed = True
        self._retire_if_unused()

    def join(self, timeout: Optional[float] = None) -> bool:
        """Waits until the engines are closed, after `seal`; false where they are not after `timeout` seconds."""
        for thread in self._threads:
            thread.join(timeout)
        return not any(thread.is_alive() for thread in self._threads)

    def end(self) -> None:
        """Gives nothing out from now on; whoever has started the engines closes them."""
        for worker in self._workers:
            worker.end()

    def take_turn(self, lane: Lane, most: Optional[int]) -> bool:
        """Whether it is the lane's turn, which it then has until it submits; else it waits for one."""
        with self._lock:
            if lane.place is None:
                self._turns.wait(lane, min(MOST, MOST if most is None else most))
                if self._next_lane(lane) is None:
                    return False
            return True

    def submit(self, lane: Lane, tensors: Sequence[np.ndarray], job: Any) -> None:
        """Hands the inputs of a job over to the engine whose place the lane has."""
        with self._lock:
            worker, lane.place = lane.place, None
        if worker is None:
            # The lane has ended meanwhile, and nobody waits for these inputs.
            return
        with self._submitting[worker], self._lock:
            # At once: in between, a job would count twice, and whoever waits might not be called.
            self._kept[worker] -= 1
            worker.submit(tensors, (lane, job))

    def leave(self, lane: Lane) -> None:
        """The lane submits nothing more."""
        with self._lock:
            self._lanes.discard(lane)
            self._turns.leave(lane)
            worker, lane.place = lane.place, None
            if worker is not None:
                self._kept[worker] -= 1
        self._give_turns()
        self._retire_if_unused()

    def _give_turns(self) -> None:
        """Gives places that are free to those that wait."""
        while True:
            with self._lock:
                lane = self._next_lane()
            if lane is None:
                return
            # Without the lock: the lane submits in this call, or wakes the thread that will.
            lane.call()

    def _next_lane(self, only: Optional[Lane] = None) -> Optional[Lane]:
        """Gives a free place to the first lane that waits, where it is `only`; None where that is not possible."""
        first = self._turns.first
        if first is None or (only is not None and first[0] is not only):
            return None
        lane, most = first
        free = [worker for worker in self._workers if worker.has_room() and self._load(worker) < most]
        if not free:
            return None
        worker = min(free, key=self._load)
        self._turns.leave(lane)
        self._kept[worker] += 1
        lane.place = worker
        return lane

    def _load(self, worker: Worker) -> int:
        return worker.in_flight + self._kept[worker]

    def _retire_if_unused(self) -> None:
        with self._lock:
            unused = self._sealed and not self._lanes
        if unused:
            for worker in self._workers:
                worker.retire()

    def _collect(self, worker: Worker) -> None:
        """Thread that passes on the outputs of one engine."""
        give_way()
        try:
            while True:
                item, outcome = worker.next(self._give_turns)
                if item is None:
                    break
                lane, job = item
                lane.take(job, outcome)
        except BaseException as error:
            with self._lock:
                self.error = error
                lanes = list(self._lanes)
            for lane in lanes:
                lane.fail(error)
        if worker.is_retired:
            worker.close()


class Lane:
    """A `Worker` to one loop: inputs go to whichever shared engine is free, when it is this lane's turn."""

    def __init__(self, engines: SharedEngines) -> None:
        # The engine that keeps a place for this lane; set by `SharedEngines` with its lock.
        self.place: Optional[Worker] = None
        self._engines = engines
        self._outcomes: Deque[Tuple[Any, Optional[Outcome]]] = deque()
        self._changed = threading.Condition()
        self._in_flight = 0
        self._error: Optional[BaseException] = None
        self._ended = self._retired = False
        self._on_room: Optional[Callable[[], None]] = None

    def has_room(self, most: Optional[int] = None) -> bool:
        """Whether `submit` may be called, which must follow then; with `most`, where fewer than that are in the engine.

        Else the function given to `next` is called when it may.
        """
        if self._ended or self._retired or self._in_flight >= _MOST_OF_LANE:
            return False
        return self._engines.take_turn(self, most)

    @property
    def in_flight(self) -> int:
        """The number of jobs that were submitted and have not come out of `next`."""
        return self._in_flight

    def submit(self, tensors: Sequence[np.ndarray], job: Any) -> None:
        """Hands over the inputs of a job; `next` returns `job` with its outcome."""
        with self._changed:
            self._in_flight += 1
        self._engines.submit(self, tensors, job)

    def next(self, on_room: Callable[[], None]) -> Tuple[Any, Optional[Outcome]]:
        """As `Worker.next`. `on_room` is called from other threads, too."""
        self._on_room = on_room
        if self.place is not None:
            on_room()
        with self._changed:
            self._changed.wait_for(lambda: self._outcomes or self._ended or self._error or self._is_done)
            if self._ended:
                return None, None
            if not self._outcomes:
                if self._error is not None:
                    raise self._error
                return None, None
            job, outcome = self._outcomes.popleft()
            self._in_flight -= 1
        on_room()
        return job, outcome

    def take(self, job: Any, outcome: Optional[Outcome]) -> None:
        """Takes a job that is done."""
        with self._changed:
            self._outcomes.append((job, outcome))
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """Makes `next` raise, as the engines cannot go on."""
        with self._changed:
            self._error = error
            self._changed.notify_all()

    def call(self) -> None:
        """Says that it is this lane's turn."""
        if self._on_room is not None:
            self._on_room()

    def end(self) -> None:
        """As `Worker.end`."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._engines.leave(self)

    def retire(self) -> None:
        """As `Worker.retire`."""
        with self._changed:
            self._retired = True
            self._changed.notify_all()
        self._engines.leave(self)

    @property
    def is_retired(self) -> bool:
        """Whether `retire` was called."""
        return self._retired

    @property
    def _is_done(self) -> bool:
        return self._retired and not self._in_flight

    def close(self) -> None:
        """Does nothing: the engines end when no lane needs them."""
