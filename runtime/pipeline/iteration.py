"""A run as an iterator, for programs of one's own."""

from __future__ import annotations

import argparse
import os
import threading
from collections import deque
from typing import Any, Deque, Iterator, List, Optional, Sequence, Tuple, Union

from runtime.common.values import Detection, Frame
from runtime.config.arguments import from_values
from runtime.pipeline.session import detect
from runtime.sinks import Sink
from runtime.telemetry.state import State

Found = Tuple[Frame, Tuple[Detection, ...]]


def run(config: Union[str, os.PathLike, None] = None, **options: Any) -> Iterator[Found]:
    """Frames with what was found in them, for as long as the source gives any.

        for frame, detections in run("runtime.yaml"):
        for frame, detections in run(file="detector_int8.tflite", source="0", score=0.4):

    `config` is a configuration file; `options` are those of `python -m runtime` by name, with `_` for
    `-`, and count more. The loop works ahead in threads of its own, and ends when the iterator is
    closed; with a live source, the frames for which the caller is too slow are left out. Raises
    InputError or KitError as the command would say it.
    """
    values = dict(options)
    if config is not None:
        values["config"] = os.fspath(config)
    return _found(from_values(values))


def _found(options: argparse.Namespace) -> Iterator[Found]:
    handover = _Handover()
    states: List[State] = []
    errors: List[BaseException] = []

    def work() -> None:
        try:
            detect(options, [handover], states.append)
        except BaseException as error:
            errors.append(error)
        finally:
            handover.end()

    thread = threading.Thread(target=work, name="run", daemon=True)
    thread.start()
    try:
        while True:
            found = handover.take()
            if found is None:
                break
            yield found
    finally:
        handover.end()
        for state in states:
            state.stop()
        thread.join()
    if errors:
        raise errors[0]


class _Handover(Sink):
    """Holds one frame for whoever iterates."""

    name = "caller"

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held: Deque[Found] = deque()
        self._ended = False

    def write(self, frame: Frame, detections: Sequence[Detection]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._held or self._ended)
            self._held.append((frame, tuple(detections)))
            self._changed.notify_all()

    def take(self) -> Optional[Found]:
        """None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._held or self._ended)
            found = self._held.popleft() if self._held else None
            self._changed.notify_all()
            return found

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
