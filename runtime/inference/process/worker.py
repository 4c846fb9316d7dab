"""One engine of the loop: a queue of inputs, and a new engine when the present one hangs, dies or fails."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Callable, Deque, List, Optional, Sequence, Tuple, Union

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
    """The outcome of a job of which an input was lost with its engine."""

    reason: str


# The outputs for each input, and the milliseconds that all of them took.
Outcome = Union[Tuple[List[List[np.ndarray]], float], Lost]


@dataclass(eq=False)
class _Submitted:
    """A job with the number of its inputs, and the outputs that have come for the first of them."""

    job: Any
    inputs: int
    raws: List[List[np.ndarray]] = field(default_factory=list)
    milliseconds: float = 0.0
    lost: bool = False


class Worker:
    """Runs jobs, of one input or several, on one engine and returns their outcomes in the same order.

    One thread calls `submit` while another calls `next`. An outcome is the outputs for each input, as the model stores
    them, with the milliseconds that the runs took; or `Lost`, once for a job, where one of its inputs was lost.
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
        # Those that have not come out of `next`.
        self._jobs: Deque[_Submitted] = deque()
        # The jobs of the inputs in the engine, and the inputs that it has no room for yet.
        self._running: Deque[_Submitted] = deque()
        self._unsent: Deque[Tuple[_Submitted, np.ndarray]] = deque()
        self._sending = threading.Lock()
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
        return not self._unsent and self._runner.room > 0 and (most is None or len(self._jobs) < most)

    @property
    def in_flight(self) -> int:
        """The number of jobs that were submitted and have not come out of `next`."""
        return len(self._jobs)

    def submit(self, tensors: Sequence[np.ndarray], job: Any) -> None:
        """Hands over the inputs of `job`, at least one; `next` returns it with its outcome.

        Inputs that the engine has no room for follow as soon as it has.
        """
        submitted = _Submitted(job, len(tensors))
        with self._sending:
            self._unsent.extend((submitted, tensor) for tensor in tensors)
        self._send()
        with self._changed:
            self._jobs.append(submitted)
            self._changed.notify_all()

    def _send(self) -> None:
        """Gives the engine the inputs that it has room for."""
        with self._sending:
            while self._unsent and self._runner.room > 0:
                submitted, tensor = self._unsent.popleft()
                self._runner.submit(tensor)
                self._running.append(submitted)

    def next(self, on_room: Callable[[], None]) -> Tuple[Any, Optional[Outcome]]:
        """Waits for the oldest job and returns it with its outcome; calls `on_room` when there is room for another.

        Returns (None, None) after `end`, or after `retire` when all jobs have been returned. Raises KitError where the
        engine failed and cannot be replaced.
        """
        if self._process is not None and self._broken and not self._retired.is_set():
            if self._replace(self._process):
                self._send()
                on_room()
            elif not self._retired.is_set():
                return None, None
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._jobs or self._ended.is_set() or self._retired.is_set())
                if self._ended.is_set() or not self._jobs:
                    return None, None
            # A lost engine is not restarted once another model has replaced its own.
            if self._broken:
                return self._lose(self._jobs[0], on_room)
            try:
                raw, taken = self._runner.result()
            except KitError as error:
                if self._ended.is_set():
                    return None, None
                if self._process is None:
                    raise
                self._broken = str(error)
                submitted = self._running.popleft()
                if not submitted.lost:
                    return self._lose(submitted, on_room)
                return self.next(on_room)
            submitted = self._running.popleft()
            submitted.raws.append(raw)
            submitted.milliseconds += taken
            self._send()
            complete = len(submitted.raws) == submitted.inputs
            if complete and not submitted.lost:
                with self._changed:
                    self._jobs.popleft()
            on_room()
            if complete and not submitted.lost:
                return submitted.job, (submitted.raws, submitted.milliseconds)

    def _lose(self, submitted: _Submitted, on_room: Callable[[], None]) -> Tuple[Any, Outcome]:
        """The oldest job as lost. What is left of it in the engine is not waited for; its other inputs are not sent."""
        submitted.lost = True
        with self._sending:
            self._unsent = deque(item for item in self._unsent if item[0] is not submitted)
        with self._changed:
            self._jobs.popleft()
        on_room()
        return submitted.job, Lost(self._broken)

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
            # No engine of this model is started any more, and that of the next one runs.
            self._state.engine(state="running")

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
