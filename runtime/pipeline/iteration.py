"""A run as an iterator, for use in other programs."""

from __future__ import annotations

import argparse
import os
import threading
from collections import deque
from typing import Any, Deque, Iterator, List, Optional, Sequence, Tuple, Union

from runtime.common.values import Detection, Frame
from runtime.config.arguments import from_values
from runtime.inference.interpreter import Runner
from runtime.pipeline import active_model
from runtime.pipeline.session import detect
from runtime.sinks import Sink
from runtime.telemetry.state import State

# Seconds that a run which still loads has to end when its caller ends it.
LOADING_SECONDS = 2.0

FrameDetections = Tuple[Frame, Tuple[Detection, ...]]


def run(config: Union[str, os.PathLike[str], None] = None, **options: Any) -> Iterator[FrameDetections]:
    """Yields (frame, detections) for each frame of the source.

        for frame, detections in run("runtime.yaml"):
        for frame, detections in run(file="detector_int8.tflite", source="0", score=0.4):

    `config` is the path of a configuration file. `options` are those of `python -m runtime` by name, with
    `_` for `-`; they take precedence over the file. The loop runs ahead in its own threads and ends when
    the iterator is closed. With a live source, frames that arrive while the caller is busy are dropped.
    Raises InputError or KitError with the message that the command would print.
    """
    values = dict(options)
    if config is not None:
        values["config"] = os.fspath(config)
    return _iterate(from_values(values))


def _iterate(options: argparse.Namespace) -> Iterator[FrameDetections]:
    handover = _Handover()
    states: List[State] = []
    engines: List[Runner] = []
    errors: List[BaseException] = []

    def stop() -> None:
        """Ends the run, also where it has only begun to load the model. Called again when it comes further."""
        for state in states:
            state.stop()
        if not states:
            active_model.interrupt(engines)

    def use(state: State) -> None:
        states.append(state)
        if handover.ended:
            stop()

    def loading(runners: Sequence[Runner]) -> None:
        engines.extend(runners)
        if handover.ended:
            stop()

    def work() -> None:
        try:
            detect(options, [handover], use, loading)
        except BaseException as error:
            errors.append(error)
        finally:
            handover.end()

    thread = threading.Thread(target=work, name="run", daemon=True)
    thread.start()
    try:
        while True:
            item = handover.take()
            if item is None:
                break
            yield item
    finally:
        handover.end()
        stop()
        # What hangs before the run begins, for example a network stream that is being opened, is left to end by itself.
        thread.join(None if states else LOADING_SECONDS)
    if errors:
        raise errors[0]


class _Handover(Sink):
    """A sink that holds one frame until the iterator takes it."""

    name = "caller"

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frames: Deque[FrameDetections] = deque()
        self.ended = False

    def write(self, frame: Frame, detections: Sequence[Detection]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._frames or self.ended)
            if self.ended:
                return
            self._frames.append((frame, tuple(detections)))
            self._changed.notify_all()

    def take(self) -> Optional[FrameDetections]:
        """Waits for the next frame; None at the end of the run."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._frames) or self.ended)
            item = self._frames.popleft() if self._frames else None
            self._changed.notify_all()
            return item

    def end(self) -> None:
        with self._changed:
            self.ended = True
            self._changed.notify_all()
