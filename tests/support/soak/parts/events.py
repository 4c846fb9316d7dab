"""Events with clips, with more of them than the budget, and than the disk while others fill it."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Set, Tuple

import numpy as np

from runtime.common.opencv import cv2
from runtime.events import index
from runtime.events.event import Event
from tests.support.soak.parts import Part, Place, frames, megabytes, pictures
from tests.support.soak.verdict import Check

# While the other writer of the disk has used up most of it, there is room for less.
MEGABYTES, DAYS, LEAST = 18, 0.4, 1.0
# Between two looks at two files.
_SLACK = 0.05


def connect(place: Place) -> Part:
    return Events(place)


class Events(Part):
    """Watches the folder: its size, its index, and which events have been there."""

    fills_disk = True

    def __init__(self, place: Place) -> None:
        folder = place.disk / "events"
        self._folder = place.own(folder)
        self._lines = place.lines
        self._fps = place.fps
        # Cameras share the disk.
        self._budget = MEGABYTES / 2 if place.camera else MEGABYTES
        self.words = ("--events", f"{place.word(folder)},megabytes={self._budget:g},days={DAYS},before=1,after=1,least={LEAST:g}")
        self._seen: Set[str] = set()
        self._before: Set[str] = set()
        self._most, self._fewest = 0.0, 1 << 30
        self._unreadable: List[str] = []
        self._looks = 0

    def look(self) -> None:
        there = _ids(self._folder)
        if not self._looks:
            # What a run before this one has left.
            self._before = there
        self._looks += 1
        self._seen |= there
        if len(self._seen) > 10:
            self._fewest = min(self._fewest, len(there))
        self._most = max(self._most, min(megabytes(self._folder, _is_index), megabytes(self._folder, _is_index)))
        if there and self._looks % 20 == 0:
            problem = _problem(self._folder)
            self._unreadable += [problem] if problem else []

    def is_busy(self) -> bool:
        clips = [*self._folder.glob(".*c*.mp4"), *self._folder.glob(".*c*.webm")]
        return len(self._seen) >= 2 and any(path.stat().st_size for path in clips)

    def images(self) -> Iterator[Tuple[str, np.ndarray]]:
        yield from (("snapshots", image) for image in pictures(self._folder))
        for path in _clips(self._folder)[-20:]:
            yield from (("clips", image) for image in frames(path, 5))

    def whole(self, killed: bool) -> List[Check]:
        when = "after SIGKILL" if killed else "at the end"
        events = [Event.parse((self._folder / f"{each}.json").read_text()) for each in sorted(_ids(self._folder))]
        bad = [event.id for event in events if not _is_whole(self._folder, event)]
        used = {event.clip for event in events} | {event.snapshot for event in events}
        alone = [path.name for path in self._folder.glob("[!.]*") if path.suffix in (".jpg", ".mp4", ".webm") and path.name not in used]
        half = [path.name for path in self._folder.glob(".*") if path.suffix in (".json", ".jpg", ".mp4", ".webm")]
        problem = _problem(self._folder)
        # A run that ends has no time for the clip of the moment; what is half done goes when the next one starts.
        return [
            Check(f"events are whole {when}", bool(events) and not bad and len(alone) <= 2 * killed and len(half) <= 1 + killed,
                  f"{len(events)} whole, {len(bad)} not, {len(alone)} files of none, {len(half)} half written"),
            Check(f"the index of events can be read {when}", not problem, problem or f"{len(_listed(self._folder))} events in it"),
        ]  # fmt: skip

    def judge(self, final: Dict[str, Any]) -> List[Check]:
        told = final["events"]
        lines = (json.loads(line) for line in self._lines.read_text().splitlines())
        return [
            Check("megabytes of events", self._most <= self._budget + _SLACK, f"at most {self._most:.2f} of {self._budget:g}"),
            Check("no clock that is set removes events", 0 < self._fewest < 1 << 30, f"never fewer than {self._fewest}"),
            Check("the index of events can always be read", not self._unreadable,
                  f"{self._looks // 20} times, problems: {self._unreadable[:3]}"),
            *counted(told, len(self._seen - self._before), len(_ids(self._folder)), set(_listed(self._folder)) == _ids(self._folder)),
            *tracked(told, lines, self._fps),
        ]  # fmt: skip


def counted(told: Dict[str, Any], seen: int, there: int, listed: bool) -> List[Check]:
    """Compares what the run tells of events with those that were seen, that are there at the end, and the index."""
    # One may be written while the run ends.
    good = 0 <= seen - told["recorded"] <= 1 and 0 <= there - told["kept"] <= 1 and listed
    return [
        Check("events are counted", good,
              f"{told['recorded']} recorded, {seen} seen, {told['removed']} removed, {told['kept']} kept, {there} there,"
              f" {'the same' if listed else 'others'} in the index, {told['lost']} lost, {told['lost_frames']} frames lost"),
    ]  # fmt: skip


def tracked(told: Dict[str, Any], lines: Iterable[Dict[str, Any]], fps: float) -> List[Check]:
    """Compares events with the tracks in JSON lines: those clearly longer than the least must be among them."""
    first: Dict[int, int] = {}
    last: Dict[int, int] = {}
    for line in lines:
        for found in line["detections"]:
            if "track" in found:
                first.setdefault(found["track"], line["frame"])
                last[found["track"]] = line["frame"]
    lengths = [(last[number] - first[number]) / fps for number in first]
    least, most = (sum(length >= LEAST + margin for length in lengths) for margin in (0.5, -0.5))
    made = told["recorded"] + told["lost"]
    return [Check("every object that stays becomes an event", least <= made <= most, f"{made} events of {least} to {most} tracks")]


def _ids(folder: Path) -> Set[str]:
    return {path.stem for path in folder.glob("[!.]*.json")}


def _clips(folder: Path) -> List[Path]:
    return sorted([*folder.glob("[!.]*.mp4"), *folder.glob("[!.]*.webm")])


def _is_index(name: str) -> bool:
    return name.startswith(index.NAME)


def _is_whole(folder: Path, event: Event) -> bool:
    """Whether the event's files are there, and can be decoded."""
    if event.snapshot and cv2.imread(str(folder / event.snapshot)) is None:
        return False
    return not event.clip or sum(1 for _ in frames(folder / event.clip, 1)) >= 2


def _listed(folder: Path) -> List[str]:
    with contextlib.closing(index.Index(folder, read_only=True)) as opened:
        return list(opened.ids())


def _problem(folder: Path) -> str:
    """What is wrong with the index, read as another process reads it while a run goes on; empty for nothing."""
    try:
        uri = f"{(folder / index.NAME).absolute().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=10)) as database:
            (answer,) = database.execute("PRAGMA integrity_check").fetchone()
        _listed(folder)
    except (sqlite3.Error, ValueError) as error:
        return str(error)
    return "" if answer == "ok" else str(answer)
