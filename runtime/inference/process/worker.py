"""One engine of the loop: a queue of inputs, and a new engine when the present one hangs, dies or fails."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Callable, Deque, List, Optional, Tuple, Union

import numpy as np

from runtime.common.errors import KitError
from runtime.inference.interpreter import Runner
from runtime.inference.process.engine import EngineProcess
from runtime.inference.process.shared_tensors import SLOTS
from runtime.telemetry.state import State

# From the MANY-th failure within WINDOW_SECONDS on, the worker waits before it starts the next engine: FIRST_WAIT
# seconds, doubled with each further failure, up to LONGEST_WAIT.
MANY = 5
WINDOW_SECONDS = 60.0
FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0

# Seconds after which a thread that waits for the next start notices that there will be none.
_INTERVAL = 0.2


@dataclass(frozen=True)
class Lost:
    """The outcome of an input that was lost with its engine."""

    reason: str


Outcome = Union[Tuple[List[np.ndarray], float], Lost]


class Worker:
    """Runs inputs on one engine and returns their outcomes in the same order.

    One thread calls `submit` while another calls `next`. An outcome is the outputs, as the model stores them, with the
    milliseconds that the run took; or `Lost`.
    """

    def __init__(self, runner: Runner, state: State, attempts: Optional[int] = None) -> None:
        """`runner` has loaded the model; one in this process cannot be replaced.

        After `attempts` failed starts of a new engine in a row, `next` raises KitError; None tries for ever.
        """
        # None for an interpreter in this process.
        self._process = runner if isinstance(runner, EngineProcess) else None
        self._runner = runner if isinstance(runner, EngineProcess) else _InProcess(runner)
        self._state = state
        self._attempts = attempts
        self._jobs: Deque[Any] = deque()
        self._changed = threading.Condition()
        # Why the engine was lost; empty while it runs.
        self._broken = ""
        self._failures: Deque[float] = deque()
        self._ended = threading.Event()
        self._retired = threading.Event()

    def has_room(self, most: Optional[int] = None) -> bool:
        """Whether `submit` may be called; with `most`, only where fewer than that are in flight."""
        if self._broken or self._ended.is_set() or self._retired.is_set():
            return False
        return self._runner.room > 0 and (most is None or len(self._jobs) < most)

    @property
    def in_flight(self) -> int:
        """The number of jobs that were submitted and have not come out of `next`."""
        return len(self._jobs)

    def submit(self, tensor: np.ndarray, job: Any) -> None:
        """Hands over an input; `next` returns `job` with its outcome."""
        self._runner.submit(tensor)
        with self._changed:
            self._jobs.append(job)
            self._changed.notify_all()

    def next(self, on_room: Callable[[], None]) -> Tuple[Any, Optional[Outcome]]:
        """Waits for the oldest job and returns it with its outcome; calls `on_room` when there is room for another.

        Returns (None, None) after `end`, or after `retire` when all jobs have been returned. Raises KitError where the
        engine failed and cannot be replaced.
        """
        if self._process is not None and self._broken and not self._retired.is_set():
            if self._replace(self._process):
                on_room()
            elif not self._retired.is_set():
                return None, None
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._ended.is_set() or self._retired.is_set())
            if self._ended.is_set() or not self._jobs:
                return None, None
        try:
            # A lost engine is not restarted once another model has replaced its own.
            outcome: Outcome = self._runner.result() if not self._broken else Lost(self._broken)
        except KitError as error:
            if self._ended.is_set():
                return None, None
            if self._process is None:
                raise
            self._broken = str(error)
            outcome = Lost(str(error))
        with self._changed:
            job = self._jobs.popleft()
        on_room()
        return job, outcome

    def end(self) -> None:
        """Makes `next` return (None, None) from now on, also where a thread waits in it."""
        with self._changed:
            self._ended.set()
            self._changed.notify_all()

    def retire(self) -> None:
        """Declares that nothing more will be submitted; inputs in flight still come out of `next`."""
        with self._changed:
            self._retired.set()
            self._changed.notify_all()
        if self._broken and self._process is not None:
            # A new engine may still be loading, and the jobs behind the lost one wait for it.
            self._process.interrupt()

    @property
    def is_retired(self) -> bool:
        """Whether `retire` was called."""
        return self._retired.is_set()

    def close(self) -> None:
        """Ends the engine's process, where it has one."""
        if self._process is not None:
            self._process.close()

    def _replace(self, process: EngineProcess) -> bool:
        """Starts engines until one is ready; False where the worker ends or retires before."""
        reason, printed, tries = self._broken, "", 0
        self._state.engine(state="restarting")
        while True:
            if reason != printed:
                print(f"engine lost: {reason}; a new one is started", file=sys.stderr)
                printed = reason
            if self._is_over(self._count_failure()):
                return False
            try:
                process.restart()
                process.wait_until_ready()
            except KitError as error:
                reason = str(error)
            else:
                break
            tries += 1
            if self._attempts is not None and tries >= self._attempts:
                raise KitError(f"{reason}; given up after {tries} tries to start it again")
        for note in process.notes:
            print(f"engine: {note}", file=sys.stderr)
        self._broken = ""
        self._state.engine_restarted(process.engine)
        return True

    def _is_over(self, seconds: float) -> bool:
        """Sleeps for `seconds`; returns true, at once, when no new engine is needed any more."""
        until = time.monotonic() + seconds
        while not (self._ended.is_set() or self._retired.is_set()):
            left = until - time.monotonic()
            if self._state.wait_for_stop(max(0.0, min(left, _INTERVAL))):
                return True
            if left <= 0:
                return False
        return True

    def _count_failure(self) -> float:
        """Records a failure and returns the seconds to wait before the next start."""
        now = time.monotonic()
        self._failures.append(now)
        while now - self._failures[0] > WINDOW_SECONDS + LONGEST_WAIT:
            self._failures.popleft()
        recent = sum(1 for at in self._failures if now - at <= WINDOW_SECONDS)
        if recent < MANY:
            return 0.0
        wait: float = FIRST_WAIT * 2 ** min(len(self._failures) - MANY, 10)
        return min(wait, LONGEST_WAIT)


class _InProcess:
    """An interpreter of this process with the interface of `EngineProcess`; `result` runs the model."""

    def __init__(self, interpreter: Runner) -> None:
        self._interpreter = interpreter
        self._waiting: Deque[np.ndarray] = deque()

    @property
    def room(self) -> int:
        return SLOTS - len(self._waiting)

    def submit(self, tensor: np.ndarray) -> None:
        self._waiting.append(tensor)

    def result(self) -> Tuple[List[np.ndarray], float]:
        start = time.perf_counter()
        raw = self._interpreter.invoke(self._waiting[0])
        taken = 1000 * (time.perf_counter() - start)
        self._waiting.popleft()
        return raw, taken
