"""Another model for a run that goes on: loaded and tried beside the one that works, then swapped.

    SIGHUP -> State.ask_reload -> Reloader -> a change -> the loop, between two frames

The source stays open, and no frame is lost to it. A model that cannot be loaded, or that fails on the
frame it is tried on, is refused, and the one before goes on. An Edge TPU can only be opened once, so
that there the old model ends first, and is loaded again where the new one fails.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from typing import Any, Callable, List, Optional, Tuple

import numpy as np

from runtime.common.errors import KitError
from runtime.common.values import Frame
from runtime.filters import open_filters
from runtime.inference.process.worker import Worker
from runtime.pipeline import active_model
from runtime.pipeline.active_model import Equipment, Exchange, Runner
from runtime.telemetry.state import State

# How soon the end of the run is noticed.
_TICK = 0.5

# Where no frame has come yet.
_GRAY = np.full((480, 640, 3), 128, np.uint8)


class Reloader:
    """Does what `State.ask_reload` asks for while its `with` block lasts, and ends the engines it started."""

    def __init__(
        self,
        options: argparse.Namespace,
        state: State,
        exchange: Exchange,
        running: Equipment,
        attempts: Optional[int] = None,
    ) -> None:
        """`attempts` is that of `Worker`."""
        self._options = options
        self._state = state
        self._exchange = exchange
        self._running = running
        self._attempts = attempts
        self._started: List[Runner] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reload", daemon=True)

    def __enter__(self) -> Reloader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        # One that loads a model ends with this process.
        self._thread.join(2 * _TICK)
        active_model.close(self._started)

    def _run(self) -> None:
        while not self._ended.is_set():
            if self._state.wait_for_reload(_TICK):
                self._reload(active_model.settled(self._options.file))

    def _reload(self, file: str) -> None:
        print(f"loading {file}", file=sys.stderr)
        if self._running.is_exclusive:
            self._exchange.offer(lambda drain: self._in_turn(file, drain))
            return
        try:
            made, runners = self._load(file)
        except KitError as error:
            self._refuse(error)
        else:
            # Another reload may come before the loop has taken this one, as while a frame hangs.
            self._exchange.offer(lambda drain: self._taken(made), lambda: self._end(runners))

    def _load(self, file: str) -> Tuple[Equipment, List[Runner]]:
        """The model in `file`, tried on the newest frame, and its engines. Raises KitError."""
        options, running = self._options, self._running
        runners = active_model.start(options, file)
        self._started += runners
        try:
            active_model.wait(runners)
            detector = active_model.detector(options, file, runners[0])
            same = detector.labels == running.detector.labels
            filters = running.filters if same else tuple(open_filters(options, detector.labels))
            frame = self._exchange.frame or Frame(_GRAY)
            for runner in runners:
                _try(detector, runner, frame)
        except BaseException:
            self._end(runners)
            raise
        for note in (note for runner in runners for note in runner.notes):
            print(f"warning: {note}", file=sys.stderr)
        workers = tuple(Worker(runner, self._state, self._attempts) for runner in runners)
        return Equipment(detector, filters, workers, detector.score), runners

    def _in_turn(self, file: str, drain: Callable[[], None]) -> Equipment:
        """For the loop's thread: the old model ends, then the new one begins, else the old one again."""
        before = self._running
        drain()
        try:
            return self._taken(self._load(file)[0])
        except KitError as error:
            self._refuse(error)
        # Raises where not even that works: then the run ends, for its service manager to begin another.
        self._running = self._load(before.detector.path)[0]
        return self._running

    def _taken(self, made: Equipment) -> Equipment:
        # The threshold may have been changed since, by whoever watches; that one stays.
        if self._state.score == self._running.score:
            self._state.score = made.score
        self._running = made
        self._state.reloaded(made.detector.path, made.detector.labels)
        print(f"running {made.detector.path}", file=sys.stderr)
        return made

    def _refuse(self, error: KitError) -> None:
        self._state.reload_failed(str(error))
        print(f"the model is not taken: {error}; {self._running.detector.path} goes on", file=sys.stderr)

    def _end(self, runners: List[Runner]) -> None:
        active_model.close(runners)
        self._started = [runner for runner in self._started if runner not in runners]


def reload_on_hangup(state: State) -> None:
    """SIGHUP asks for a reload. Only where the terminal has gone it ends the run, as it does by itself."""
    if not hasattr(signal, "SIGHUP"):
        return
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    had_terminal = _terminal()

    def hang_up(number: int, frame: Any) -> None:
        if not had_terminal or _terminal():
            state.ask_reload()
        elif not ignored:
            state.stop()

    try:
        signal.signal(signal.SIGHUP, hang_up)
    except ValueError:
        # Only the main thread may; elsewhere the program around has its own way.
        pass


def _terminal() -> bool:
    """Whether this process has a terminal that is still there."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _try(detector: Any, runner: Runner, frame: Frame) -> None:
    """Raises KitError where the model fails on a frame."""
    height, width = frame.image.shape[:2]
    try:
        detector.postprocess(runner.invoke(detector.preprocess(frame.image, frame.color)), width, height)
    except KitError:
        raise
    except (ValueError, IndexError, TypeError) as error:
        raise KitError(f"{detector.path}: fails on a frame: {error}") from error
