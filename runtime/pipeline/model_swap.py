"""Swaps the model of a run without ending it: the new model is loaded and tested beside the old one.

    SIGHUP -> State.ask_reload -> Reloader -> PendingSwap -> the loop, between two frames

The source stays open, and the swap loses no frame. A model that cannot be loaded, or that fails on the
test frame, is refused, and the old one stays active. An Edge TPU can be opened only once: there the old
model is closed first, and loaded again if the new one fails.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
from functools import partial
from typing import Any, Callable, List, Optional, Sequence, Tuple

import numpy as np

from runtime.common.errors import KitError
from runtime.common.values import Frame, Labels
from runtime.filters import Filter, open_filters
from runtime.inference.detector import Detector
from runtime.inference.interpreter import Runner
from runtime.inference.process.worker import Worker
from runtime.pipeline import active_model
from runtime.pipeline.active_model import ActiveModel, Swappable
from runtime.pipeline.capture import error_text
from runtime.telemetry.state import State

# Seconds after which the end of the run is noticed at the latest.
_TICK = 0.5

# The test image while no frame has arrived yet.
_GRAY = np.full((480, 640, 3), 128, np.uint8)


class Reloader:
    """Loads the model again after each `State.ask_reload`, for the duration of its `with` block.

    On exit it closes the engines that it started.
    """

    def __init__(
        self,
        options: argparse.Namespace,
        state: State,
        pending: Swappable,
        running: ActiveModel,
        attempts: Optional[int] = None,
        make_filters: Optional[Callable[[Labels], Sequence[Filter]]] = None,
    ) -> None:
        """`running` is the model that the run starts with; `attempts` is passed on to `Worker`.

        `make_filters` gives the filters for a model with other classes, by default those of the options. It raises
        InputError where these ask for a class that the model lacks.
        """
        self._make_filters = make_filters or partial(open_filters, options)
        self._options = options
        self._state = state
        self._pending = pending
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
        # A thread that still loads a model ends with this process.
        self._thread.join(2 * _TICK)
        active_model.close_engines(self._started)

    def _run(self) -> None:
        while not self._ended.is_set():
            if self._state.wait_for_reload(_TICK):
                self._reload(active_model.resolved_path(self._options.file))

    def _reload(self, file: str) -> None:
        print(f"loading {file}", file=sys.stderr)
        if self._running.is_exclusive:
            self._pending.offer(lambda drain: self._swap_exclusive(file, drain))
            return
        try:
            loaded, runners = self._load(file)
        except Exception as error:
            # Any error: this thread must be there for the next request.
            self._refuse(error)
        else:
            # Another reload may come before the loop takes this one, for example while an engine hangs.
            self._pending.offer(lambda drain: self._activated(loaded), lambda: self._close(runners))

    def _load(self, file: str) -> Tuple[ActiveModel, List[Runner]]:
        """Loads the model in `file` and tests it on the newest frame; returns its engines too. Raises KitError."""
        options, running = self._options, self._running
        runners = active_model.start_engines(options, file)
        self._started += runners
        try:
            active_model.wait_until_loaded(runners)
            detector = active_model.make_detector(options, file, runners[0])
            same = detector.labels == running.detector.labels
            filters = running.filters if same else tuple(self._make_filters(detector.labels))
            frame = self._pending.frame or Frame(_GRAY)
            for runner in runners:
                _test(detector, runner, frame)
        except BaseException:
            self._close(runners)
            raise
        for note in (note for runner in runners for note in runner.notes):
            print(f"warning: {note}", file=sys.stderr)
        workers = tuple(Worker(runner, self._state, self._attempts) for runner in runners)
        return ActiveModel(detector, filters, workers, detector.score), runners

    def _swap_exclusive(self, file: str, drain: Callable[[], None]) -> ActiveModel:
        """Closes the old model, then loads the new one, or the old one again if that fails.

        Called in the loop's thread. Raises KitError if not even the old model can be loaded.
        """
        before = self._running
        drain()
        try:
            return self._activated(self._load(file)[0])
        except Exception as error:
            self._refuse(error)
        # If this raises, the run ends, and its service manager can start it again.
        self._running = self._load(before.detector.path)[0]
        return self._running

    def _activated(self, model: ActiveModel) -> ActiveModel:
        # A threshold that a user has set on the page is kept.
        if self._state.score == self._running.score:
            self._state.score = model.score
        self._running = model
        self._state.engine(name=model.detector.engine, package=model.detector.runner.package, state="running")
        self._state.reloaded(model.detector.path, model.detector.labels, model.detector.scores)
        print(f"running {model.detector.path}", file=sys.stderr)
        return model

    def _refuse(self, error: Exception) -> None:
        reason = error_text(error)
        self._state.reload_failed(reason)
        print(f"the new model is refused: {reason}; {self._running.detector.path} stays active", file=sys.stderr)

    def _close(self, runners: List[Runner]) -> None:
        active_model.close_engines(runners)
        self._started = [runner for runner in self._started if runner not in runners]


def reload_on_hangup(state: State) -> None:
    """Makes SIGHUP reload the model. If the process has lost its terminal, SIGHUP ends the run, as by default."""
    if not hasattr(signal, "SIGHUP"):
        return
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    had_terminal = _terminal()

    def hang_up(number: int, frame: Any) -> None:
        if not had_terminal or _terminal():
            state.ask_reload()
        elif not ignored:
            state.stop()

    # Python sets handlers in the main thread only; in another one they are up to the calling program.
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGHUP, hang_up)


def _terminal() -> bool:
    """Whether this process has a terminal that still exists."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _test(detector: Detector, runner: Runner, frame: Frame) -> None:
    """Raises KitError if the model fails on `frame`."""
    height, width = frame.image.shape[:2]
    try:
        detector.postprocess(runner.invoke(detector.preprocess(frame.image, frame.color)), width, height)
    except KitError:
        raise
    except (ValueError, IndexError, TypeError) as error:
        raise KitError(f"{detector.path}: fails on a frame: {error}") from error
