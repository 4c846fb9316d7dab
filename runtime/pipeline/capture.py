"""Reads frames from a source into a queue: at the source's rate, repeatedly, or with reconnection."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass, replace
from typing import Callable, Iterator, List, Optional

from runtime.common import redaction
from runtime.common.errors import InputError, KitError
from runtime.common.values import Frame
from runtime.frames.queue import Arrival, FrameQueue
from runtime.sources import Source
from runtime.telemetry.state import State

# Seconds before the first attempt to reopen a lost source; doubled for each further attempt.
FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0

# A live source that delivers no frame for this many seconds counts as lost. OpenCV gives up on a network
# stream after 30.
STALLED_SECONDS = 35.0

# A source that hangs soon after each opening is opened again after ever longer waits, up to so many seconds; one that has run for
# `STEADY_SECONDS` before has done well.
LONGEST_WAIT_AFTER_HANGS = 300.0
STEADY_SECONDS = 600.0
# Each hang may leave a thread, and what the driver holds, for ever. With so many of them a new process is the better way.
MOST_HUNG = 50

# Seconds that a live source gets to deliver its last frame or to notice that the run ends.
LAST_FRAME_SECONDS = 0.5

# Seconds that a lost source has to close. One whose driver hangs may take for ever.
CLOSE_SECONDS = 5.0

# Seconds after which a thread notices at the latest that it should end.
_TICK = 0.2


@dataclass(frozen=True)
class Playback:
    """How a source is played.

    `realtime` waits for the time of each frame of a file; `repeat` starts again at the end; `frames` is the
    number of frames after which to stop; `retries` is how many attempts in a row are made to reopen a lost
    source, None for no limit.
    """

    realtime: bool = False
    repeat: bool = False
    frames: Optional[int] = None
    retries: Optional[int] = None


class Capture(threading.Thread):
    """Thread that reads `source` into `queue` and closes the queue at the end.

    `error` is the exception that ended it, or None.
    """

    def __init__(
        self,
        source: Source,
        queue: FrameQueue,
        state: State,
        playback: Playback = Playback(),
        reopen: Optional[Callable[[], Source]] = None,
        stalled: float = STALLED_SECONDS,
    ) -> None:
        """`reopen` opens the source again; without it, losing a live source ends the run."""
        super().__init__(name="capture", daemon=True)
        self.error: Optional[BaseException] = None
        self.index = -1
        self._given = 0
        self._source = source
        self._queue = queue
        self._state = state
        self._playback = playback
        self._reopen = reopen
        self._stalled = stalled
        # Those that were abandoned and have not come back, and how often the source has hung in a row.
        self._hung: List[_Reader] = []
        self._hangs = 0

    def run(self) -> None:
        """Reads until the source ends, the run stops, or an error occurs."""
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
        """Yields the frames of a source that is not live."""
        playback = self._playback
        start, offset, last = time.monotonic(), 0.0, 0.0
        while True:
            skipped, first = 0, self.index
            for frame in self._source:
                if self._source.skipped > skipped:
                    self._state.count("skipped", self._source.skipped - skipped)
                    skipped = self._source.skipped
                if playback.repeat:
                    frame = replace(frame, index=self.index + 1, time=frame.time + offset)
                self.index, last = frame.index, frame.time
                if playback.realtime and self._state.wait_for_stop(start + frame.time - time.monotonic()):
                    return
                yield frame
            self._state.count("skipped", self._source.skipped - skipped)
            if not playback.repeat:
                return
            if self.index == first:
                raise InputError(f"{self._source.name}: gives no frame, so there is nothing to repeat")
            offset = last + 1 / (self._source.fps or 25.0)

    def _run_live(self) -> None:
        source: Optional[Source] = self._source
        opened_here = False
        tries, lost_at = 0, None
        while not self._state.stopping:
            reason = ""
            if source is None and self._reopen is not None:
                try:
                    source, opened_here = self._reopen(), True
                except Exception as error:
                    reason = error_text(error)
            if source is not None:
                reader = _Reader(self._limited(self._numbered(source)), self._queue, self._state)
                begun = time.monotonic()
                reader.start()
                reason = self._wait_for(reader, lost_at, tries)
                self._note_hang(reader, time.monotonic() - begun)
                if reader.count:
                    tries, lost_at = 0, None
                if opened_here or reason:
                    _close(source)
                source = None
            if self._state.stopping or self._queue.closed or self._enough:
                return
            # A source's errors begin with its name, which the messages below add themselves.
            reason = reason.removeprefix(f"{self._source.name}: ")
            if self._reopen is None:
                raise KitError(f"{self._source.name}: {reason}")
            if lost_at is None:
                lost_at = time.monotonic()
                self._state.count("gaps")
                print(f"source lost: {self._source.name}: {reason}; reopening it", file=sys.stderr)
            if self._playback.retries is not None and tries >= self._playback.retries:
                raise KitError(f"{self._source.name}: {reason}; given up after {_tries(tries)} to open it again")
            tries += 1
            if len(self._hung) >= MOST_HUNG:
                raise KitError(
                    f"{self._source.name}: {reason}; it has hung {len(self._hung)} times and never came back: start the run anew"
                )
            self._state.source(state="reopening", retries=tries)
            if self._state.wait_for_stop(self._wait_after(tries)):
                return

    def _note_hang(self, reader: _Reader, seconds: float) -> None:
        """Counts a reader that was abandoned after `seconds`."""
        self._hung = [one for one in (*self._hung, reader) if one.abandoned and not one.finished.is_set()]
        if seconds > STEADY_SECONDS:
            self._hangs = 0
        self._hangs += reader.abandoned

    def _wait_after(self, tries: int) -> float:
        """The seconds to wait before the source is opened for the `tries`-th time."""
        wait = min(FIRST_WAIT * 2 ** min(tries - 1, 10), LONGEST_WAIT)
        if not self._hangs:
            return float(wait)
        return float(max(wait, min(FIRST_WAIT * 2 ** min(self._hangs - 1, 10), LONGEST_WAIT_AFTER_HANGS)))

    def _wait_for(self, reader: _Reader, lost_at: Optional[float], tries: int) -> str:
        """Waits until the source is lost and returns the reason; empty if the run ends instead."""
        while True:
            done = reader.finished.wait(_TICK)
            if reader.count and lost_at is not None:
                gone = time.monotonic() - lost_at
                print(f"source is back: {self._source.name}, after {gone:.1f} s and {_tries(tries)}", file=sys.stderr)
                lost_at = None
            if done:
                # Its traceback leads back to the reader: both, and the last image, would stay until Python looks for such
                # circles, which may be hours and many losses later.
                error, reader.error = reader.error, None
                return error_text(error) if error else "the stream ended"
            if self._state.stopping or self._queue.closed:
                reader.abandoned = True
                reader.finished.wait(LAST_FRAME_SECONDS)
                return ""
            if time.monotonic() - reader.last_at > self._stalled:
                reader.abandoned = True
                return f"no frame for {self._stalled:g} s"

    def _numbered(self, source: Source) -> Iterator[Frame]:
        for frame in source:
            self.index += 1
            yield frame if frame.index == self.index else replace(frame, index=self.index)

    def _limited(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Stops after `frames` frames, unless the queue drops frames: then the loop counts those it processes."""
        for frame in frames:
            self._given += 1
            yield frame
            if self._enough:
                return

    @property
    def _enough(self) -> bool:
        wanted = self._playback.frames
        return wanted is not None and not self._queue.policy.drops and self._given >= wanted


class _Reader(threading.Thread):
    """Thread that moves frames from one open source into the queue, until the source or the run ends.

    A source that hangs cannot be interrupted; its thread is abandoned instead.
    """

    def __init__(self, frames: Iterator[Frame], queue: FrameQueue, state: State) -> None:
        super().__init__(name="source", daemon=True)
        self.count = 0
        self.last_at = time.monotonic()
        self.error: Optional[BaseException] = None
        self.abandoned = False
        self.finished = threading.Event()
        self._frames = frames
        self._queue = queue
        self._state = state

    def run(self) -> None:
        self.read()

    def read(self) -> None:
        """Does the same in the caller's thread."""
        try:
            asked = time.perf_counter()
            for frame in self._frames:
                if self.abandoned:
                    # It hung and came too late, so that the source was opened again.
                    self._state.dropped_by_source()
                    return
                if self._state.stopping:
                    return
                arrived = time.perf_counter()
                if not self.count:
                    self._state.source(state="running", retries=0)
                self.count += 1
                # Waiting for room in the queue does not count as a stall of the source.
                self.last_at = float("inf")
                self._queue.put(Arrival(frame, arrived, 1000 * (arrived - asked)))
                self.last_at = time.monotonic()
                if self._state.stopping or self._queue.closed:
                    return
                asked = time.perf_counter()
        except BaseException as error:
            if not self.abandoned:
                self.error = error
        finally:
            self.finished.set()


def _close(source: Source) -> None:
    """Closes a lost source, which may raise again, or hang; that is only printed."""

    def close() -> None:
        try:
            source.close()
        except Exception as error:
            print(f"warning: {source.name}: {error_text(error)}", file=sys.stderr)

    closing = threading.Thread(target=close, name="close source", daemon=True)
    closing.start()
    closing.join(CLOSE_SECONDS)
    if closing.is_alive():
        print(f"warning: {source.name}: does not close; it is left to do so", file=sys.stderr)


def _tries(number: int) -> str:
    return "1 try" if number == 1 else f"{number} tries"


def error_text(error: BaseException) -> str:
    """The message of a KitError; the type and message of any other exception, without users and passwords."""
    return str(error) if isinstance(error, KitError) else redaction.message(f"{type(error).__name__}: {error}")
