"""The model that a run uses now (engines, detector, filters), and the slot through which another one replaces it."""

from __future__ import annotations

import argparse
import os
import threading
from dataclasses import dataclass
from typing import Callable, List, Optional, Protocol, Sequence, Tuple

from runtime.common.values import Frame
from runtime.filters import Filter
from runtime.inference.detector import Detector
from runtime.inference.engines import Request
from runtime.inference.interpreter import Interpreter, Runner
from runtime.inference.process import launch
from runtime.inference.process.engine import EngineProcess
from runtime.inference.process.worker import Worker

# Engines whose device can be opened by one process at a time.
EXCLUSIVE = ("edgetpu", "pycoral")


@dataclass(frozen=True, eq=False)
class ActiveModel:
    """A detector with the engines that run it and the filters that follow it.

    `workers` are engines that have loaded the detector's model. `score` is the threshold that the
    detector started with.
    """

    detector: Detector
    filters: Tuple[Filter, ...]
    workers: Tuple[Worker, ...]
    score: float

    @property
    def is_exclusive(self) -> bool:
        """Whether its device cannot be opened a second time while this model is loaded."""
        return self.detector.engine in EXCLUSIVE


# Returns the next active model. Raises KitError if there is none. It may call its argument, which ends
# the engines of the current model, to free an exclusive device.
Swap = Callable[[Callable[[], None]], ActiveModel]


class Swappable(Protocol):
    """What another model can be offered to: one loop, or all that share a model."""

    @property
    def frame(self) -> Optional[Frame]:
        """The newest frame that was preprocessed; a new model is tested on it."""

    def offer(self, swap: Swap, cancel: Callable[[], None] = lambda: None) -> None:
        """See `PendingSwap.offer`."""


class PendingSwap:
    """Holds a model swap until the loop is between two frames."""

    def __init__(self) -> None:
        # The newest frame that was preprocessed; a new model is tested on it.
        self.frame: Optional[Frame] = None
        # Called when a swap is offered; the loop sets it.
        self.notify: Callable[[], None] = lambda: None
        self._lock = threading.Lock()
        self._pending: Optional[Tuple[Swap, Callable[[], None]]] = None

    @property
    def is_pending(self) -> bool:
        """Whether a swap waits to be taken."""
        return self._pending is not None

    def offer(self, swap: Swap, cancel: Callable[[], None] = lambda: None) -> None:
        """Makes `swap` the pending one. A swap that was still pending is never taken; its `cancel` is called."""
        with self._lock:
            before, self._pending = self._pending, (swap, cancel)
        if before is not None:
            before[1]()
        self.notify()

    def take(self) -> Optional[Swap]:
        """Removes and returns the pending swap, or None."""
        with self._lock:
            pending, self._pending = self._pending, None
        return None if pending is None else pending[0]


def resolved_path(path: str) -> str:
    """`path` itself, or the real file if its folder is reached through a symbolic link.

    A restarted engine must load the model that ran before, even if the link points to another one by then.
    """
    folder = os.path.dirname(os.path.abspath(path))
    return path if os.path.realpath(folder) == folder else os.path.realpath(path)


def start_engines(options: argparse.Namespace, file: str) -> List[Runner]:
    """Starts one engine for each device, which begins to load `file`. Call `wait_until_loaded` next.

    Raises InputError or KitError if an engine in this process cannot load it.
    """
    runners: List[Runner] = []
    try:
        for device in options.device or [""]:
            # One by one: after an error, those that were started are closed.
            runners += [_runner(options, file, device)]
    except BaseException:
        close_engines(runners)
        raise
    return runners


def wait_until_loaded(runners: Sequence[Runner]) -> None:
    """Returns when all engines have loaded their model. Raises InputError or KitError if one cannot."""
    for runner in runners:
        if isinstance(runner, EngineProcess):
            runner.wait_until_ready()


def close_engines(runners: Sequence[Runner]) -> None:
    """Ends the processes of the engines that have one."""
    for runner in runners:
        if isinstance(runner, EngineProcess):
            runner.close()


def interrupt(runners: Sequence[Runner]) -> None:
    """Ends the processes of the engines that have one, from any thread; waits for none."""
    for runner in runners:
        if isinstance(runner, EngineProcess):
            runner.interrupt()


def make_detector(options: argparse.Namespace, file: str, runner: Runner) -> Detector:
    """The detector for `file` with the labels, thresholds, overlaps and tiles of the options. Raises InputError.

    Also where it has no class that is to be blurred: a model that takes over must not show what the one before it hid.
    """
    for_all = [score for name, score in options.score if not name]
    made = Detector(
        file,
        labels=options.labels,
        score=for_all[-1] if for_all else None,
        scores={name: score for name, score in options.score if name},
        runner=runner,
        all_labels=options.all_labels,
        agnostic=options.agnostic,
        tiles=options.tiles,
    )
    for name in options.blur or ():
        made.labels.checked(name, "--blur")
    return made


def _runner(options: argparse.Namespace, file: str, device: str) -> Runner:
    request = Request(options.engine, device, options.threads, options.fallback)
    # The process inherits open file descriptors, which Windows does not support.
    if not options.watchdog or os.name != "posix":
        launch.discard()
        return Interpreter(file, request)
    return EngineProcess(file, request, options.watchdog)
