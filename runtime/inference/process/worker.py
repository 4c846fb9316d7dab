"""One engine in the loop: what is under way in it, and a fresh one when it hangs, dies or fails."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Callable, Deque, List, Optional, Tuple, Union

import numpy as np

from runtime.common.errors import KitError
from runtime.inference.interpreter import Interpreter
from runtime.inference.process.engine import EngineLost, EngineProcess
from runtime.inference.process.shared_tensors import SLOTS
from runtime.telemetry.state import State

# So many failures in so many seconds are no accident any more: then there is a wait before the next
# start, doubled for each further failure.
MANY = 5
WINDOW_SECONDS = 60.0
FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0

# How soon a thread that waits for the next start notices that there will be none.
_TICK = 0.2


@dataclass(frozen=True)
class Lost:
    """What comes of an input whose engine went away."""

    reason: str


Outcome = Union[Tuple[List[np.ndarray], float], Lost]


class Worker:
    """Inputs in, outputs out, in the same order. One thread submits, another one asks for what is
    next.
    """

    def __init__(
        self, runner: Union[EngineProcess, Interpreter], state: State, attempts: Optional[int] = None
    ) -> None:
        """`attempts` is how often in a row a new engine may fail to start before that is an error;
        None for ever. A `runner` in this process cannot be replaced.
        """
        self._runner = runner if isinstance(runner, EngineProcess) else _InProcess(runner)
        self._state = state
        self._attempts = attempts
        self._jobs: Deque[Any] = deque()
        self._changed = threading.Condition()
        self._broken = ""
        self._failures: Deque[float] = deque()
        self._ended = self._retired = False

    def has_room(self, most: Optional[int] = None) -> bool:
        """Whether `submit` may be called; with `most`, only where fewer than that are under way."""
        if self._broken or self._ended:
            return False
        return self._runner.room > 0 and (most is None or len(self._jobs) < most)

    def submit(self, tensor: np.ndarray, job: Any) -> None:
        """`job` comes back with the outputs."""
        self._runner.submit(tensor)
        with self._changed:
            self._jobs.append(job)
            self._changed.notify_all()

    def next(self, tell_room: Callable[[], None]) -> Tuple[Any, Optional[Outcome]]:
        """Waits for the oldest job's outcome, and calls `tell_room` when there is room behind it.

        (None, None) after `end`, or after `retire` when all have come out. Raises KitError where there
        is no engine any more.
        """
        if self._broken and not self._retired:
            if self._replace():
                tell_room()
            elif not self._retired:
                return None, None
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._ended or self._retired)
            if self._ended or not self._jobs:
                return None, None
        try:
            # Nobody starts the engine of a model again that another one has replaced.
            outcome: Outcome = self._runner.result() if not self._broken else Lost(self._broken)
        except KitError as error:
            if self._ended:
                return None, None
            if not isinstance(self._runner, EngineProcess):
                raise
            self._broken = str(error)
            outcome = Lost(str(error))
        with self._changed:
            job = self._jobs.popleft()
        tell_room()
        return job, outcome

    def end(self) -> None:
        """Nobody waits any more."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def retire(self) -> None:
        """Nothing is submitted any more; what is under way still comes out."""
        with self._changed:
            self._retired = True
            self._changed.notify_all()
        if self._broken and isinstance(self._runner, EngineProcess):
            # It may be loading still, and the frames behind this one's wait for it.
            self._runner.interrupt()

    @property
    def is_retired(self) -> bool:
        return self._retired

    def close(self) -> None:
        """Ends the engine's process, where it has one."""
        if isinstance(self._runner, EngineProcess):
            self._runner.close()

    def _replace(self) -> bool:
        """False where the run ends, or another model takes over, before there is a new engine."""
        reason, told, tries = self._broken, "", 0
        self._state.engine(state="restarting")
        while True:
            if reason != told:
                print(f"engine lost: {reason}; a new one is started", file=sys.stderr)
                told = reason
            if self._is_over(self._wait()):
                return False
            try:
                self._runner.restart()
                self._runner.wait_until_ready()
            except EngineLost as error:
                reason = str(error)
            except KitError as error:
                reason = str(error)
            else:
                break
            tries += 1
            if self._attempts is not None and tries >= self._attempts:
                raise KitError(f"{reason}; given up after {tries} tries to start it again")
        for note in self._runner.notes:
            print(f"engine: {note}", file=sys.stderr)
        self._broken = ""
        self._state.engine_restarted(self._runner.engine)
        return True

    def _is_over(self, seconds: float) -> bool:
        """Sleeps; gives at once, and true, when nobody wants a new engine any more."""
        until = time.monotonic() + seconds
        while not (self._ended or self._retired):
            left = until - time.monotonic()
            if self._state.wait_for_stop(max(0.0, min(left, _TICK))):
                return True
            if left <= 0:
                return False
        return True

    def _wait(self) -> float:
        """Notes a failure; gives the seconds to wait before the next start."""
        now = time.monotonic()
        self._failures.append(now)
        while now - self._failures[0] > WINDOW_SECONDS + LONGEST_WAIT:
            self._failures.popleft()
        recent = sum(1 for at in self._failures if now - at <= WINDOW_SECONDS)
        if recent < MANY:
            return 0.0
        return min(FIRST_WAIT * 2 ** min(len(self._failures) - MANY, 10), LONGEST_WAIT)


class _InProcess:
    """An interpreter of this process with the surface of `EngineProcess`: it works when it is asked
    for the result.
    """

    def __init__(self, interpreter: Interpreter) -> None:
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
