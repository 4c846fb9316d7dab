"""A sink at its own pace: a thread and a short queue."""

from __future__ import annotations

import sys
import threading
from collections import deque
from typing import Callable, Deque, Optional, Tuple

from runtime.common.errors import KitError
from runtime.common.values import Detection, Frame
from runtime.sinks import Sink
from runtime.telemetry.state import State

# Frames that may wait for a sink. They are whole images, and all sinks share them.
ROOM = 4

Item = Tuple[Frame, Tuple[Detection, ...]]


class SinkThread:
    """Hands frames to `sink`, one after the other. `error` is what ended it, if something did."""

    def __init__(self, sink: Sink, name: str, state: State, waits: bool, failed: Callable[[], None]) -> None:
        """With `waits`, `put` waits for room; without, it counts a dropped frame. `failed` is called
        when `error` is there.
        """
        self.error: Optional[BaseException] = None
        self.on_main_thread = sink.on_main_thread
        self._sink = sink
        self._name = name
        self._state = state
        self._waits = waits
        self._failed = failed
        self._told = ""
        self._waiting: Deque[Item] = deque()
        self._changed = threading.Condition()
        self._ending = False
        self._thread = threading.Thread(target=self._run, name=f"sink {name}", daemon=True)
        if not self.on_main_thread:
            self._thread.start()

    def put(self, frame: Frame, detections: Tuple[Detection, ...]) -> None:
        """What comes after an error or `end` is left out."""
        with self._changed:
            if self._waits:
                self._changed.wait_for(lambda: len(self._waiting) < ROOM or self._ending)
            if self._ending:
                return
            if len(self._waiting) == ROOM:
                self._state.dropped_by_sink(self._name)
                return
            self._waiting.append((frame, detections))
            self._changed.notify_all()

    def turn(self) -> bool:
        """Writes the next frame, for a sink on the main thread; False where none waits."""
        with self._changed:
            if not self._waiting:
                return False
            item = self._waiting.popleft()
            self._changed.notify_all()
        self._write(item)
        return True

    def end(self, seconds: float) -> None:
        """Waits until everything is written, but no longer than that; the rest is dropped."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        if self.on_main_thread:
            while self.turn():
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
                self._changed.wait_for(lambda: self._waiting or self._ending)
            if not self.turn():
                return

    def _write(self, item: Item) -> None:
        try:
            self._sink.write(*item)
            self._told = ""
        except Exception as error:
            if self._sink.lossless:
                self._end_with(error)
                return
            self._state.dropped_by_sink(self._name)
            said = str(error) if isinstance(error, KitError) else f"{type(error).__name__}: {error}"
            # Once, and again only when the reason is another one.
            if said != self._told:
                self._told = said
                print(f"{self._name}: {said}; frames are dropped until that is over", file=sys.stderr)

    def _end_with(self, error: Exception) -> None:
        with self._changed:
            self.error = error
            self._ending = True
            self._waiting.clear()
            self._changed.notify_all()
        self._failed()
