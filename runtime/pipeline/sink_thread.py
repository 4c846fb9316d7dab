"""Runs a sink in its own thread, behind a short queue, so that a slow sink does not slow the loop."""

from __future__ import annotations

import sys
import threading
from collections import deque
from typing import Callable, Deque, List, Optional, Sequence, Tuple

from runtime.common.values import Detection, Frame
from runtime.pipeline.capture import error_text
from runtime.sinks import Sink
from runtime.telemetry.state import State

# Threads accept no infinite timeout; this is longer than any run.
LONGEST_SECONDS = threading.TIMEOUT_MAX / 2

# Most frames that wait for a sink. They are whole images, which all sinks share.
QUEUE_SIZE = 4

# A frame, its detections, and its candidates.
Item = Tuple[Frame, Tuple[Detection, ...], Tuple[Detection, ...]]


class SinkThread:
    """Passes frames to `sink` in order. `error` is the exception that ended it, or None."""

    def __init__(self, sink: Sink, name: str, state: State, waits: bool, failed: Callable[[], None]) -> None:
        """If `waits`, `put` waits while the queue is full; otherwise it drops the frame and counts it.

        `failed` is called after `error` was set.
        """
        self.error: Optional[BaseException] = None
        self.on_main_thread = sink.on_main_thread
        self._sink = sink
        self._name = name
        self._state = state
        self._waits = waits
        self._failed = failed
        self._last_message = ""
        self._waiting: Deque[Item] = deque()
        self._changed = threading.Condition()
        self._ending = False
        self._thread = threading.Thread(target=self._run, name=f"sink {name}", daemon=True)
        if not self.on_main_thread:
            self._thread.start()

    def put(self, frame: Frame, detections: Tuple[Detection, ...], candidates: Tuple[Detection, ...] = ()) -> None:
        """Queues a frame. After an error or `end`, frames are ignored."""
        with self._changed:
            if self._waits:
                self._changed.wait_for(lambda: len(self._waiting) < QUEUE_SIZE or self._ending)
            if self._ending:
                return
            if len(self._waiting) == QUEUE_SIZE:
                self._state.dropped_by_sink(self._name)
                return
            self._waiting.append((frame, detections, candidates))
            self._changed.notify_all()

    def write_next(self) -> bool:
        """Writes the next frame. False if none waits. A sink on the main thread is driven by this."""
        with self._changed:
            if not self._waiting:
                return False
            item = self._waiting.popleft()
            self._changed.notify_all()
        self._write(item)
        return True

    def end(self, seconds: float) -> None:
        """Waits up to `seconds` until all queued frames are written; the rest is dropped and counted."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        if self.on_main_thread:
            while self.write_next():
                pass
            return
        self._thread.join(max(seconds, 0.0))
        with self._changed:
            if self._waiting:
                self._state.dropped_by_sink(self._name, len(self._waiting))
                self._waiting.clear()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting) or self._ending)
            if not self.write_next():
                return

    def _write(self, item: Item) -> None:
        try:
            self._sink.write_all(*item)
            self._last_message = ""
        except Exception as error:
            if self._sink.lossless:
                self._end_with(error)
                return
            self._state.dropped_by_sink(self._name)
            message = error_text(error)
            # Printed once, and again only if the reason changes.
            if message != self._last_message:
                self._last_message = message
                camera = f"camera {self._sink.camera}: " if self._sink.camera else ""
                print(f"{camera}{self._name}: {message}; frames are dropped until that is over", file=sys.stderr)

    def _end_with(self, error: Exception) -> None:
        with self._changed:
            self.error = error
            self._ending = True
            self._waiting.clear()
            self._changed.notify_all()
        self._failed()


def distinct(names: Sequence[str]) -> List[str]:
    """The names; a number is appended to a repeated one."""
    found: List[str] = []
    for name in names:
        number = sum(1 for other in found if other == name or other.startswith(f"{name} ")) + 1
        found.append(name if number == 1 else f"{name} {number}")
    return found
