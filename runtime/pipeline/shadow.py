"""A second model in the shadow of the one that counts: it sees a share of the frames, and how far they agree is counted.

Its engine runs on the processor, in a process of its own that gets only the time that nothing else wants, so that it does
not slow the first.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from typing import Callable, Dict, List, Optional, Tuple

import numpy as np

from runtime.boxes.agreement import agreement
from runtime.common import settings
from runtime.common.errors import InputError, KitError
from runtime.common.options import fraction
from runtime.common.values import Detection, Frame
from runtime.inference.detector import Detector
from runtime.inference.engines import Request
from runtime.inference.process.engine import EngineProcess
from runtime.pipeline import active_model
from runtime.telemetry.state import State

OPTION = "--shadow"
SHARE = 0.1

# Failures in a row after which the second model is given up.
_ATTEMPTS = 3
# Seconds without an answer after which its engine counts as hung; it may have to wait long for its turn.
_PATIENCE = 60.0
_TICK = 0.2

# Takes a frame, what counts in it, and what the second model finds.
Deliver = Callable[[Frame, Tuple[Detection, ...], Tuple[Detection, ...]], None]
_Item = Tuple[Frame, Tuple[Detection, ...], List[np.ndarray]]


def parse(spec: str) -> Tuple[str, float]:
    """The file and the share of frames in `FILE[,share=SHARE]`. Raises InputError."""
    name, found = settings.parse(spec, {"share": fraction}, OPTION)
    share = found.get("share", SHARE)
    if not name or not share:
        raise InputError(f"{OPTION}: give a detector, and a share of the frames over 0")
    return name, share


class Shadow:
    """Runs the second model while its `with` block lasts. Whatever becomes of it, the run goes on."""

    def __init__(self, options: argparse.Namespace, state: State, deliver: Deliver) -> None:
        """Loads the model that `options.shadow` names. Raises InputError or KitError if it cannot be loaded."""
        self._file, share = parse(options.shadow)
        # One frame in so many.
        self._every = max(1, round(1 / share))
        self._state = state
        self._deliver = deliver
        self._process = EngineProcess(self._file, Request("cpu", threads=1), _PATIENCE, background=True)
        try:
            self._process.wait_until_ready()
            self._detector: Detector = active_model.make_detector(options, self._file, self._process)
        except BaseException:
            self._process.close()
            raise
        self._offered = 0
        self._frames = 0
        self._missed = 0
        self._classes: Dict[str, List[int]] = {}
        self._error = ""
        self._waiting: Optional[_Item] = None
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)

    def __enter__(self) -> Shadow:
        self._thread.start()
        self._tell()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._process.interrupt()
        self._thread.join(2 * _TICK)
        if not self._error:
            # The last one may still have been with the engine, or on its way to a new one.
            self._missed = self._offered // self._every - self._frames
            self._tell()
        self._process.close()

    def prepare(self, frame: Frame) -> Optional[List[np.ndarray]]:
        """The second model's inputs for the frame, where it is its turn and the model is free; else None."""
        self._offered += 1
        if self._error or self._offered % self._every:
            return None
        if self._waiting is not None:
            self._missed += 1
            self._tell()
            return None
        return self._detector.inputs(frame.image, frame.color)

    def compare(self, frame: Frame, detections: Tuple[Detection, ...], tensors: List[np.ndarray]) -> None:
        """Hands over the inputs from `prepare`; returns at once."""
        with self._changed:
            self._waiting = (frame, detections, tensors)
            self._changed.notify_all()

    def _run(self) -> None:
        failures = 0
        while not self._ended:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting is not None or self._ended)
                item = self._waiting
            if item is None or self._ended:
                return
            try:
                self._compare(*item)
                failures = 0
            except KitError as error:
                failures += 1
                # Lost with its engine. At the end of the run, `__exit__` counts what is missing.
                self._missed += 1
                self._tell()
                if not self._revive(error, failures):
                    return
            with self._changed:
                self._waiting = None

    def _compare(self, frame: Frame, detections: Tuple[Detection, ...], tensors: List[np.ndarray]) -> None:
        height, width = frame.image.shape[:2]
        raws = [self._process.invoke(tensor) for tensor in tensors]
        other = self._detector.combined(raws, width, height)[0]
        if self._ended:
            return
        for label in {item.label for item in (*detections, *other)}:
            found = agreement(
                [item for item in detections if item.label == label], [item for item in other if item.label == label]
            )
            counts = self._classes.setdefault(label, [0, 0, 0])
            for place, number in enumerate((found.both, found.first_only, found.second_only)):
                counts[place] += number
        self._frames += 1
        self._tell()
        self._deliver(frame, detections, other)

    def _revive(self, error: KitError, failures: int) -> bool:
        """Starts another engine; False where the run has ended, or the second model is given up."""
        while failures < _ATTEMPTS and not self._ended:
            time.sleep(_TICK)
            try:
                self._process.restart()
                self._process.wait_until_ready()
                return True
            except KitError as again:
                error, failures = again, failures + 1
            except ValueError:
                # What the two processes share is closed at the end of the run.
                if not self._has_ended():
                    raise
        if self._has_ended():
            return False
        self._error = str(error)
        print(f"{OPTION}: {self._file}: given up: {error}", file=sys.stderr)
        self._tell()
        return False

    def _has_ended(self) -> bool:
        return self._ended

    def _tell(self) -> None:
        self._state.compared(
            model=self._file, frames=self._frames, missed=self._missed, error=self._error,
            classes={label: tuple(counts) for label, counts in self._classes.items()},
        )  # fmt: skip

