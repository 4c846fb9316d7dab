"""Makes the files of events in a thread of its own, which gets only the time that nothing else wants."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections import deque
from dataclasses import replace
from functools import partial
from typing import Callable, Deque, List, Optional, Sequence, Tuple, Union

from runtime.common.errors import KitError
from runtime.events import clip as clips
from runtime.events.clip import ClipFile
from runtime.events.event import Event
from runtime.events.still import Still
from runtime.events.store import Store

# Most bytes of frames and snapshots that wait to be written; what comes before an event waits at once.
MOST_BYTES = 64_000_000
# With more than this, frames wait as JPEG alone.
_MOST_BYTES_OF_PLANES = 8_000_000

# Seconds between two looks at the budget while nothing happens.
_IDLE_SECONDS = 5.0
# Of a clip, what the encoder and the file's buffers hold back, and what comes at its end.
_UNWRITTEN_BYTES = 250_000
_NICE = 15
# A clip of which so little fits on the disk is none.
_FEWEST_FRAMES = 2

# Events with their snapshots.
Events = Sequence[Tuple[Event, bytes]]
# What waits: the name of a clip that begins with its first frames, the next frame, or what ends it.
Item = Union[Tuple[str, List[Still]], Still, List[Tuple[Event, bytes]]]


class Writer:
    """An `Output` of a recorder. Its queue has a limit, and what is beyond it is counted."""

    def __init__(
        self,
        store: Store,
        fps: float,
        *,
        waits: bool = False,
        written: Callable[[Event], None] = lambda event: None,
        idle: Callable[[], None] = lambda: None,
    ) -> None:
        """Starts the thread.

        With `waits`, frames and events wait for a place in the queue instead of being lost. `written` is told of each event when its
        files are complete, and `idle` is called every few seconds, both in the thread.
        """
        self.takes_planes = False
        self.lost_frames = 0
        self.lost_events = 0
        self.recorded = 0
        self._store = store
        self._fps = fps
        self._waits = waits
        self._written = written
        self._idle = idle
        self._changed = threading.Condition()
        self._queue: Deque[Item] = deque()
        self._bytes = 0
        self._ending = False
        self._clip: Optional[ClipFile] = None
        self._is_cut = False
        self._last_message = ""
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._thread.start()

    def begin(self, clip: str, stills: Sequence[Still]) -> None:
        """See `Output`. Where the queue has no room for all frames, the newest are kept."""
        with self._changed:
            self._wait_for_room(sum(len(still.jpeg) for still in stills))
            kept: List[Still] = []
            size = 0
            for still in reversed(stills):
                if self._bytes + size + len(still.jpeg) > MOST_BYTES:
                    break
                kept.append(still)
                size += len(still.jpeg)
            self.lost_frames += len(stills) - len(kept)
            self._put((clip, kept[::-1]), size)

    def add(self, still: Still) -> None:
        """See `Output`."""
        with self._changed:
            # Planes save time, and take the memory of ten frames.
            if self._bytes + still.size > _MOST_BYTES_OF_PLANES:
                still = still.compressed()
            self._wait_for_room(still.size)
            if self._bytes + still.size > MOST_BYTES:
                self.lost_frames += 1
                return
            self._put(still, still.size)

    def finish(self, events: Events) -> None:
        """See `Output`. Events whose snapshots find no room in the queue are lost."""
        with self._changed:
            self._wait_for_room(_size(events))
            kept: List[Tuple[Event, bytes]] = []
            for event, snapshot in events:
                if self._bytes + _size(kept) + len(snapshot) <= MOST_BYTES:
                    kept.append((event, snapshot))
            self.lost_events += len(events) - len(kept)
            # Also where none is left: the clip is over.
            self._put(kept, _size(kept))

    def end(self, seconds: float) -> bool:
        """Waits up to `seconds` until everything is written; whether it is. What then remains counts as lost."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        self._thread.join(seconds)
        with self._changed:
            done = not self._thread.is_alive()
            for item in self._queue:
                if isinstance(item, list):
                    self.lost_events += len(item)
            self._queue.clear()
        return done

    def _wait_for_room(self, size: int) -> None:
        """Waits, where it may, until `size` more bytes fit, or everything before them is written."""
        if self._waits:
            self._changed.wait_for(lambda: self._bytes + size <= MOST_BYTES or not self._bytes or self._ending)

    def _put(self, item: Item, size: int) -> None:
        self._queue.append(item)
        self._bytes += size
        self._changed.notify_all()

    def _run(self) -> None:
        _stand_back()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._queue) or self._ending, _IDLE_SECONDS)
                item = self._queue.popleft() if self._queue else None
                if item is None and self._ending:
                    return
            # Whatever goes wrong with one item, the thread is there for the next.
            self._attempt(self._idle if item is None else partial(self._handle, item))
            self._attempt(self._store.clean)

    def _handle(self, item: Item) -> None:
        if isinstance(item, Still):
            self._add(item)
        elif isinstance(item, tuple):
            self._begin(*item)
        else:
            self._complete(item)

    def _begin(self, name: str, stills: List[Still]) -> None:
        # Hidden until it is complete.
        self._clip, self._is_cut = None, False
        self._attempt(lambda: self._open(name))
        for still in stills:
            self._add(still)

    def _open(self, name: str) -> None:
        suffix = clips.suffix()
        self.takes_planes = suffix == clips.H264_SUFFIX
        self._clip = ClipFile(self._store.path(f".{self._store.free_name(name, suffix)}"), self._fps)

    def _add(self, still: Still) -> None:
        clip = self._clip
        try:
            if clip is None or self._is_cut:
                self.lost_frames += 1
                return
            # The frame's JPEG is about as large as what the video needs for it at most.
            if not self._store.make_room(clip.size() + len(still.jpeg) + _UNWRITTEN_BYTES):
                raise KitError(f"{clip.path.parent}: the budget or the disk has no room for more of a clip")
            clip.add(still)
        except Exception as error:
            # Any error: OpenCV has some of its own. What there is of the clip stays, and belongs to its events.
            self._is_cut = True
            self.lost_frames += 1
            self._tell(error)
        finally:
            self._release(still.size)

    def _complete(self, events: Events) -> None:
        name = self._complete_clip()
        for event, snapshot in events:
            self._keep(replace(event, clip=name, offset=event.offset if name else 0.0), snapshot)
            self._release(len(snapshot))
        self._attempt(lambda: self._store.drop_unused(name))

    def _release(self, size: int) -> None:
        with self._changed:
            self._bytes -= size
            self._changed.notify_all()

    def _complete_clip(self) -> str:
        """The name of the clip, which is complete; empty where it could not be written."""
        clip, self._clip = self._clip, None
        if clip is None:
            return ""
        try:
            clip.close()
            if clip.frames >= _FEWEST_FRAMES:
                target = self._store.path(clip.path.name[1:])
                clip.path.replace(target)
                return target.name
        except Exception as error:
            self._tell(error)
        self._attempt(clip.abandon)
        self._attempt(lambda: self._store.drop_unused(clip.path.name))
        return ""

    def _keep(self, event: Event, snapshot: bytes) -> None:
        try:
            kept = self._store.add(event, snapshot)
        except Exception as error:
            self._tell(error)
            kept = None
        if kept is None:
            with self._changed:
                self.lost_events += 1
            return
        self.recorded += 1
        self._last_message = ""
        written = kept
        self._attempt(lambda: self._written(written))

    def _attempt(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:
            self._tell(error)

    def _tell(self, error: Exception) -> None:
        # Printed once, and again only if the reason changes.
        message = str(error) or type(error).__name__
        if message != self._last_message:
            self._last_message = message
            print(f"events: {message}", file=sys.stderr)


def _size(events: Events) -> int:
    return sum(len(snapshot) for _, snapshot in events)


def _stand_back() -> None:
    """Lets the threads of the loop and the model go first.

    At this priority a thread gets a thirtieth of a core that another one wants all the time: about what clips of one camera
    take, and so little that a model on all cores hardly notices. At 10 a loop on two busy cores ran at 0.78 of its rate.
    """
    # Elsewhere the id of a thread means nothing to the call, or another process.
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
