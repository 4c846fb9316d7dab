"""The part of a run that another model replaces: engines, detector and filters."""

from __future__ import annotations

import argparse
import os
import threading
from dataclasses import dataclass
from typing import Callable, List, Optional, Sequence, Tuple, Union

from runtime.common.values import Frame
from runtime.filters import Filter
from runtime.inference.detector import Detector
from runtime.inference.engines import Request
from runtime.inference.interpreter import Interpreter
from runtime.inference.process import launch
from runtime.inference.process.engine import EngineProcess
from runtime.inference.process.worker import Worker

Runner = Union[EngineProcess, Interpreter]

# Opened by one process at a time.
EXCLUSIVE = ("edgetpu", "pycoral")


@dataclass(frozen=True, eq=False)
class Equipment:
    """`workers` are engines with the detector's model in them, `score` the threshold that the detector
    came with.
    """

    detector: Detector
    filters: Tuple[Filter, ...]
    workers: Tuple[Worker, ...]
    score: float

    @property
    def is_exclusive(self) -> bool:
        """Whether a second one like it could not be loaded beside it."""
        return self.detector.engine in EXCLUSIVE


# Makes the next equipment; raises KitError where there is none. It may call its argument, which
# ends what is there now, to make room for it.
Change = Callable[[Callable[[], None]], Equipment]


class Exchange:
    """Where a change of equipment waits for the moment between two frames."""

    def __init__(self) -> None:
        # The newest frame that was prepared, to try a model on.
        self.frame: Optional[Frame] = None
        self.ring: Callable[[], None] = lambda: None
        self._lock = threading.Lock()
        self._waiting: Optional[Tuple[Change, Callable[[], None]]] = None

    @property
    def is_waiting(self) -> bool:
        return self._waiting is not None

    def offer(self, change: Change, forget: Callable[[], None] = lambda: None) -> None:
        """One that still waits is forgotten: its `forget` is called, since it will never be taken."""
        with self._lock:
            before, self._waiting = self._waiting, (change, forget)
        if before is not None:
            before[1]()
        self.ring()

    def take(self) -> Optional[Change]:
        with self._lock:
            waiting, self._waiting = self._waiting, None
        return None if waiting is None else waiting[0]


def settled(path: str) -> str:
    """`path` itself; where its folder is reached by a link, the file that it leads to now.

    An engine that is started again must get the model that ran, though the link leads to another one
    by then.
    """
    folder = os.path.dirname(os.path.abspath(path))
    return path if os.path.realpath(folder) == folder else os.path.realpath(path)


def start(options: argparse.Namespace, file: str) -> List[Runner]:
    """An engine for each device, which loads `file`; `wait_until_ready` of an EngineProcess follows.

    Raises InputError or KitError where it cannot be loaded in this process.
    """
    made: List[Runner] = []
    try:
        for device in options.device or [""]:
            made.append(_runner(options, file, device))
    except BaseException:
        close(made)
        raise
    return made


def wait(runners: Sequence[Runner]) -> None:
    """Until all have loaded their model. Raises InputError or KitError where one cannot."""
    for runner in runners:
        if isinstance(runner, EngineProcess):
            runner.wait_until_ready()


def close(runners: Sequence[Runner]) -> None:
    """Ends engines that have a process."""
    for runner in runners:
        if isinstance(runner, EngineProcess):
            runner.close()


def detector(options: argparse.Namespace, file: str, runner: Runner) -> Detector:
    """The detector that the options describe. Raises InputError."""
    for_all = [score for name, score in options.score if not name]
    return Detector(
        file,
        labels=options.labels,
        score=for_all[-1] if for_all else None,
        scores={name: score for name, score in options.score if name},
        runner=runner,
    )


def _runner(options: argparse.Namespace, file: str, device: str) -> Runner:
    request = Request(options.engine, device, options.threads, options.fallback)
    # The process inherits open files by number, which Windows does not know.
    if not options.watchdog or os.name != "posix":
        launch.discard()
        return Interpreter(file, request)
    return EngineProcess(file, request, options.watchdog)
