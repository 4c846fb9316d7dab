"""Keeps frames coming from a source: in time, over and over, and again after a live one was lost."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass, replace
from typing import Callable, Iterator, Optional

from runtime.common.errors import InputError, KitError
from runtime.common.values import Frame
from runtime.frames.queue import Arrival, FrameQueue
from runtime.sources import Source
from runtime.telemetry.state import State

# Seconds before the first try to open a lost source again, doubled for each further one.
FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0

# A live source that gives nothing for so many seconds is taken for lost. OpenCV gives up on a network
# stream after 30.
STALLED_SECONDS = 35.0

# How long a live source may take to give its last frame, or to notice that no more are wanted.
LAST_FRAME_SECONDS = 0.5

# How soon a thread notices that it is to end.
_TICK = 0.2


@dataclass(frozen=True)
class Playing:
    """How a source is played. `realtime` keeps to the times in a file, `repeat` begins again at its
    end; `frames` ends after so many; `retries` is how often in a row a lost source is tried, None for
    ever.
    """

    realtime: bool = False
    repeat: bool = False
    frames: Optional[int] = None
    retries: Optional[int] = None


class Capture(threading.Thread):
    """Reads `source` into `queue`, and closes that at the end. `error` then says what ended it."""

    def __init__(
        self,
        source: Source,
        queue: FrameQueue,
        state: State,
        playing: Playing = Playing(),
        reopen: Optional[Callable[[], Source]] = None,
        stalled: float = STALLED_SECONDS,
    ) -> None:
        """`reopen` opens the source anew; without it a live one that is lost ends the run."""
        super().__init__(name="capture", daemon=True)
        self.error: Optional[BaseException] = None
        self.index = -1
        self._given = 0
        self._source = source
        self._queue = queue
        self._state = state
        self._playing = playing
        self._reopen = reopen
        self._stalled = stalled

    def run(self) -> None:
        try:
            if self._source.live:
                self._run_live()
            else:
                reader = _Reader(self._limited(self._frames()), self._queue, self._state)
                reader.read()
                if reader.error:
                    raise reader.error
        except BaseException as error:
            self.error = error
        finally:
            self._state.source(state="ended")
            self._queue.close()

    def _frames(self) -> Iterator[Frame]:
        """Those of a source that has an end."""
        playing = self._playing
        start, offset, last = time.monotonic(), 0.0, 0.0
        while True:
            skipped, first = 0, self.index
            for frame in self._source:
                if self._source.skipped > skipped:
                    self._state.count("skipped", self._source.skipped - skipped)
                    skipped = self._source.skipped
                if playing.repeat:
                    frame = replace(frame, index=self.index + 1, time=frame.time + offset)
                self.index, last = frame.index, frame.time
                if playing.realtime and self._state.wait_for_stop(start + frame.time - time.monotonic()):
                    return
                yield frame
            self._state.count("skipped", self._source.skipped - skipped)
            if not playing.repeat:
                return
            if self.index == first:
                raise InputError(f"{self._source.name}: gives no frame, so that there is nothing to repeat")
            offset = last + 1 / (self._source.fps or 25.0)

    def _run_live(self) -> None:
        source, own = self._source, False
        tries, lost_at = 0, None
        while not self._state.stopping:
            reason = ""
            if source is None:
                try:
                    source, own = self._reopen(), True
                except Exception as error:
                    reason = _said(error)
            if source is not None:
                reader = _Reader(self._limited(self._numbered(source)), self._queue, self._state)
                reader.start()
                reason = self._wait_for(reader, lost_at, tries)
                if reader.count:
                    tries, lost_at = 0, None
                if own or reason:
                    _close(source)
                source = None
            if self._state.stopping or self._queue.closed or self._enough:
                return
            # Errors of a source begin with its name, as do the lines below.
            reason = reason.removeprefix(f"{self._source.name}: ")
            if self._reopen is None:
                raise KitError(f"{self._source.name}: {reason}")
            if lost_at is None:
                lost_at = time.monotonic()
                self._state.count("gaps")
                print(f"source lost: {self._source.name}: {reason}; it is opened again", file=sys.stderr)
            if self._playing.retries is not None and tries >= self._playing.retries:
                raise KitError(f"{self._source.name}: {reason}; given up after {_tries(tries)} to open it again")
            tries += 1
            self._state.source(state="reopening", retries=tries)
            if self._state.wait_for_stop(min(FIRST_WAIT * 2 ** min(tries - 1, 10), LONGEST_WAIT)):
                return

    def _wait_for(self, reader: _Reader, lost_at: Optional[float], tries: int) -> str:
        """Until the source is lost; gives the reason."""
        while True:
            done = reader.finished.wait(_TICK)
            if reader.count and lost_at is not None:
                gone = time.monotonic() - lost_at
                print(f"source is back: {self._source.name}, after {gone:.1f} s and {_tries(tries)}", file=sys.stderr)
                lost_at = None
            if done:
                return _said(reader.error) if reader.error else "the stream ended"
            if self._state.stopping or self._queue.closed:
                reader.abandoned = True
                reader.finished.wait(LAST_FRAME_SECONDS)
                return ""
            if time.monotonic() - reader.heard > self._stalled:
                reader.abandoned = True
                return f"no frame for {self._stalled:g} s"

    def _numbered(self, source: Source) -> Iterator[Frame]:
        for frame in source:
            self.index += 1
            yield frame if frame.index == self.index else replace(frame, index=self.index)

    def _limited(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Where frames may be dropped, those that are given do not count; the loop counts then."""
        for frame in frames:
            self._given += 1
            yield frame
            if self._enough:
                return

    @property
    def _enough(self) -> bool:
        wanted = self._playing.frames
        return wanted is not None and not self._queue.policy.drops and self._given >= wanted


class _Reader(threading.Thread):
    """Moves frames from one opened source into the queue, until it ends or nobody wants it any more.

    It has a thread of its own since a source that hangs cannot be interrupted, only left behind.
    """

    def __init__(self, frames: Iterator[Frame], queue: FrameQueue, state: State) -> None:
        super().__init__(name="source", daemon=True)
        self.count = 0
        self.heard = time.monotonic()
        self.error: Optional[BaseException] = None
        self.abandoned = False
        self.finished = threading.Event()
        self._frames = frames
        self._queue = queue
        self._state = state

    def run(self) -> None:
        self.read()

    def read(self) -> None:
        """In the caller's thread."""
        try:
            asked = time.perf_counter()
            for frame in self._frames:
                if self.abandoned or self._state.stopping:
                    return
                arrived = time.perf_counter()
                if not self.count:
                    self._state.source(state="running", retries=0)
                self.count += 1
                # A queue that lets the source wait is no fault of the source's.
                self.heard = float("inf")
                self._queue.put(Arrival(frame, arrived, 1000 * (arrived - asked)))
                self.heard = time.monotonic()
                if self._state.stopping or self._queue.closed:
                    return
                asked = time.perf_counter()
        except BaseException as error:
            self.error = error
        finally:
            self.finished.set()


def _close(source: Source) -> None:
    """One that was lost may fail once more when it is let go."""
    try:
        source.close()
    except Exception as error:
        print(f"warning: {source.name}: {_said(error)}", file=sys.stderr)


def _tries(number: int) -> str:
    return "1 try" if number == 1 else f"{number} tries"


def _said(error: BaseException) -> str:
    return str(error) if isinstance(error, KitError) else f"{type(error).__name__}: {error}"
