"""Keeps events in a folder, within a budget of days, megabytes and free disk."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import sys
import time
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Callable, Deque, Dict, List, Optional, Set
from typing import Counter as Counts

from runtime.common.errors import InputError
from runtime.common.files import disk_has_room, write_durably
from runtime.events import last_sent
from runtime.events.age import AgeClock
from runtime.events.event import Event
from runtime.events.index import NAME as INDEX
from runtime.events.index import UNWANTED, WAITS, DiskFullError, Index
from runtime.events.leftovers import Leftovers

DAYS = 7.0
MEGABYTES = 1000

LOCK = ".lock"

_DAY = 86400.0
# Seconds between two notes of the clock in the index.
_NOTE_SECONDS = 60.0
# Seconds after which a locked index is tried again.
_RETRY_SECONDS = 10.0
# What a run has made, also what a power cut left half done; other files are left alone.
_OWN = re.compile(r"\.?\d{8}T\d{6}\.\d{3}Z_\d+c?(_\d+)?(\.[0-9a-f]{12})?\.(json|jpg|mp4|webm)")


@dataclass(frozen=True)
class Budget:
    """Days after which an event is removed, and most megabytes of all files."""

    days: float = DAYS
    megabytes: float = MEGABYTES


@dataclass(frozen=True)
class _Kept:
    clock: float
    clip: str
    bytes: int


class Store:
    """A folder with ID.json and ID.jpg for each event, clips that events share, and an index. Used by one thread.

    An event counts once its line, ID.json, is there, which is written last and removed first; what a power cut leaves
    without one is removed at the next start. The index follows the files. Only one run may use a folder.
    """

    def __init__(
        self, folder: Path, budget: Budget = Budget(), *, wanted: bool = False, make_clock: Callable[..., AgeClock] = AgeClock
    ) -> None:
        """Reads what `folder` has already. `wanted` events wait for a webhook.

        Raises OSError or sqlite3.Error where it cannot be used, and InputError where another run uses it.
        """
        self._folder = folder
        self._budget = budget
        self._new = WAITS if wanted else UNWANTED
        # In the order in which they were added; a plain dict takes ever longer to find its first key as the first ones go.
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        # Bytes of the clips, and how many events show each.
        self._clips: Dict[str, int] = {}
        self._shown: Counts[str] = Counter()
        self._bytes = 0
        self._left = Leftovers(folder)
        # What the index does not have yet, and when it is tried again.
        self._changes: Deque[Callable[[], None]] = deque()
        self._retry_at = float("-inf")
        self.removed = 0
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(folder)
        try:
            self.index = self._open_index()
            events = self._scan()
            newest = max((event.clock for event in events), default=None)
            noted, lead = self.index.clock or (newest, 0.0)
            last = None if noted is None else max(noted, newest or noted)
            self._clock = make_clock(last, lead=lead, most=_DAY * budget.days)
        except BaseException:
            os.close(self._lock)
            raise
        self._noted_at = float("-inf")
        self._clean()

    @property
    def events(self) -> int:
        """The number of events in the folder."""
        return len(self._kept)

    @property
    def used(self) -> int:
        """The bytes of their files, with those that could not be removed."""
        return self._bytes + self._left.bytes

    def path(self, name: str) -> Path:
        """The path of a file of an event."""
        return self._folder / name

    def free_name(self, name: str, suffix: str) -> str:
        """`name` with `suffix`, or another where there is such a file."""
        number, made = 1, name
        while (self._folder / f"{made}{suffix}").exists():
            number += 1
            made = f"{name}_{number}"
        return f"{made}{suffix}"

    def make_room(self, size: int) -> bool:
        """Removes the oldest events until `size` more bytes fit; False where they cannot."""
        most = 1_000_000 * self._budget.megabytes
        while self.used + size > most or not disk_has_room(self._folder, size):
            # Where the disk is full of other things, or of what cannot be removed, nothing is removed in vain.
            if not self._kept or self._left.bytes + size > most or not disk_has_room(self._folder, size - self._bytes):
                return False
            self._remove(next(iter(self._kept)))
        return True

    def add(self, event: Event, snapshot: bytes) -> Optional[Event]:
        """Writes an event with its snapshot, and the index. Its clip, if it has one, is in the folder already.

        Gives the event as it was written, None where the budget has no room. Where the index is locked, the event is there all
        the same, and the index gets it later. Raises OSError.
        """
        event = replace(event, id=self.free_name(event.id, ".json")[: -len(".json")], clock=round(self._clock.now(), 3))
        event = replace(event, snapshot=f"{event.id}.jpg" if snapshot else "")
        line = f"{event.line()}\n".encode()
        new_clip = 0 if not event.clip or event.clip in self._clips else self.path(event.clip).stat().st_size
        if not self.make_room(len(snapshot) + len(line) + new_clip):
            return None
        if event.clip and not self.path(event.clip).exists():
            # Room was made by removing the events before this one, and with them their clip.
            event = replace(event, clip="", offset=0.0)
            line = f"{event.line()}\n".encode()
        try:
            if event.snapshot:
                write_durably(self.path(event.snapshot), snapshot)
            write_durably(self.path(f"{event.id}.json"), line)
        except BaseException:
            # No event, and so nobody's: the budget would not know of it.
            if event.snapshot:
                self._left.remove(event.snapshot)
            raise
        self._hold(event, len(snapshot) + len(line))
        self._note(partial(self.index.add, event, self._new))
        return event

    def drop_unused(self, clip: str) -> None:
        """Removes a clip of which no event could be kept, complete or not."""
        if clip and clip not in self._clips:
            self._left.remove(clip)

    def clean(self) -> None:
        """Removes what is older than the budget's days. Costs next to nothing; to be called every few seconds.

        Raises OSError, also where an old file still cannot be removed, and sqlite3.Error where the index still lacks something.
        """
        stays = self._left.retry()
        self._clean()
        if stays is not None:
            raise stays

    def _clean(self) -> None:
        now = self._clock.now()
        while self._kept:
            first = next(iter(self._kept))
            if now - self._kept[first].clock <= _DAY * self._budget.days:
                break
            self._remove(first)
        if time.monotonic() < self._retry_at:
            return
        if now - self._noted_at >= _NOTE_SECONDS:
            self._noted_at = now
            self._changes.append(self._note_clock)
        self._write_index()

    def close(self) -> None:
        """Notes the clock, and releases the folder."""
        with contextlib.suppress(Exception):
            self._changes.append(self._note_clock)
            self._write_index()
        self.index.close()
        os.close(self._lock)

    def _open_index(self) -> Index:
        try:
            return Index(self._folder, repair=True)
        except DiskFullError as error:
            # The run goes on, and records as soon as there is room.
            print(f"events: {self._folder / INDEX}: {error}; events of this run are listed and sent from its next start", file=sys.stderr)
            return Index(None)

    def _hold(self, event: Event, size: int) -> None:
        for name in (event.snapshot, event.clip):
            self._left.keep(name)
        self._kept[event.id] = _Kept(event.clock, event.clip, size)
        self._shown[event.clip] += 1
        self._bytes += size
        if event.clip and event.clip not in self._clips:
            try:
                self._clips[event.clip] = self.path(event.clip).stat().st_size
            except OSError:
                # Somebody has removed it by hand.
                self._clips[event.clip] = 0
            self._bytes += self._clips[event.clip]

    def _remove(self, name: str) -> None:
        kept = self._kept[name]
        # The line first: without it, the other files count as never written, and the event is gone whatever becomes of them.
        self.path(f"{name}.json").unlink(missing_ok=True)
        del self._kept[name]
        self._shown[kept.clip] -= 1
        self._bytes -= kept.bytes
        self._note(partial(self.index.remove, [name]))
        self.removed += 1
        self._left.remove(f"{name}.jpg")
        if kept.clip and not self._shown[kept.clip]:
            del self._shown[kept.clip]
            self._bytes -= self._clips.pop(kept.clip)
            self._left.remove(kept.clip)

    def _note(self, change: Callable[[], None]) -> None:
        """Makes a change to the index, or later, in the order of the changes, where it is locked: the files are what counts."""
        self._changes.append(change)
        if time.monotonic() >= self._retry_at:
            with contextlib.suppress(sqlite3.Error):
                self._write_index()

    def _note_clock(self) -> None:
        self.index.clock = (self._clock.now(), self._clock.lead)

    def _write_index(self) -> None:
        try:
            while self._changes:
                self._changes[0]()
                self._changes.popleft()
        except sqlite3.Error:
            # Each attempt takes seconds in which nothing else is written.
            self._retry_at = time.monotonic() + _RETRY_SECONDS
            raise

    def _scan(self) -> List[Event]:
        names = {entry.name for entry in os.scandir(self._folder) if entry.is_file(follow_symlinks=False)}
        own = {name for name in names if _OWN.fullmatch(name)}
        events: List[Event] = []
        used: Set[str] = set()
        unread = ""
        for name in sorted(own):
            if not name.endswith(".json") or name.startswith("."):
                continue
            try:
                event = Event.parse(self.path(name).read_text(encoding="utf-8"))
            except ValueError:
                continue
            except OSError as error:
                # A card with a bad block still holds the others.
                unread = f"{name}: cannot be read: {error.strerror}"
                continue
            if f"{event.id}.json" != name:
                continue
            events.append(event)
            used |= {name, event.snapshot, event.clip}
        if unread:
            print(f"events: {self._folder}: {unread}; nothing that is half written is removed", file=sys.stderr)
        for name in own - used if not unread else ():
            self._left.remove(name)
        known = self.index.ids()
        if self._new == UNWANTED:
            last_sent.forget(self._folder)
        # An index that was used lacks what a power cut or a lock kept from it. Of a new one, what was sent last is known at best.
        is_new, sent = self.index.clock is None, last_sent.read(self._folder)
        # By the order of the index, which a clock that was set cannot change; what it lacks came last, or is all there is.
        events.sort(key=lambda event: (known.get(event.id, float("inf")), event.clock, event.id))
        for event in events:
            size = sum(self.path(name).stat().st_size for name in (f"{event.id}.json", event.snapshot) if name in names)
            self._hold(event, size)
            if event.id not in known:
                was_sent = is_new and (sent is None or last_sent.place(event) <= sent)
                self.index.add(event, UNWANTED if was_sent else self._new)
        self.index.remove(sorted(known.keys() - self._kept.keys()))
        return events


def _lock(folder: Path) -> int:
    """Takes the folder for this process, until the descriptor is closed or the process ends, however it ends."""
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:
        # Windows, where nothing like that is needed: it opens a file that is written for nobody else.
        pass
    except OSError as error:
        os.close(handle)
        raise InputError(f"--events {folder}: another run keeps its events there; give each run a folder of its own") from error
    return handle
