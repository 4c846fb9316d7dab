"""Watches the zones and lines of a run: counts in every frame, and takes zones and lines that are drawn while it runs."""

from __future__ import annotations

import argparse
import sys
import threading
from dataclasses import replace
from typing import Any, Callable, Dict, List, Optional, Sequence, Set, Tuple, Union

from runtime.areas import areas
from runtime.areas.areas import Area, Counted, Crossing
from runtime.common.errors import InputError, KitError
from runtime.common.values import Detection, Frame
from runtime.filters.track import LOST_SECONDS, Tracker
from runtime.zones.counting import LineCounter, Sighting, ZoneCounter
from runtime.zones.geometry import anchor

_Counter = Union[LineCounter, ZoneCounter]

# Keeps a zone or line in a configuration file, or removes it: its kind, its name, and its text or None. Raises KitError.
Save = Callable[[str, str, Optional[str]], None]


class Watch:
    """Counts at zones and lines. The loop calls it with every frame in order; the other methods are for any thread.

    Counts begin with the run, and outlast a swapped model and a reopened source. Those of a zone or line that is drawn
    anew begin again.
    """

    def __init__(
        self,
        given: Sequence[Area] = (),
        anchor_name: str = "bottom",
        lost: float = LOST_SECONDS,
        is_tracked: bool = False,
        save: Optional[Save] = None,
    ) -> None:
        """`given` are zones and lines; `anchor_name` is where an object is (`runtime.zones.geometry.ANCHORS`).

        `lost` is after how many seconds without a sighting a track has ended. With `is_tracked`, detections come with their
        tracks; else they are tracked here, as soon as there is a zone or line. `save` keeps what is drawn. Raises
        InputError for two of one name, and where the tracker is needed and not installed.
        """
        self._lock = threading.Lock()
        self._saving = threading.Lock()
        self._anchor = anchor_name
        self._lost = lost
        self._is_tracked = is_tracked
        self._save = save
        self._tracker: Optional[Tracker] = None
        self._counters: Dict[Tuple[str, str], _Counter] = {}
        # Those that can count nothing, which is said once.
        self._idle: Set[Tuple[str, str]] = set()
        self._size = (0, 0)
        # That of the first image, which pixels are of.
        self._first = (0, 0)
        self._time = float("-inf")
        self._seen: Dict[int, float] = {}
        for area in given:
            if (area.kind, area.name) in self._counters:
                raise InputError(f"--{area.kind} {area.name}: is given twice; give each {area.kind} a name of its own")
            self._set(area)

    def __call__(self, frame: Frame, detections: Tuple[Detection, ...]) -> Tuple[Frame, Tuple[Detection, ...]]:
        """Returns the frame with its `areas`, and the detections with their tracks; both unchanged without zones and lines.

        A zone or line outside of the image counts nothing, which is said on standard error. Those in pixels keep their place
        where a camera comes back with an image of another size.
        """
        with self._lock:
            if not self._counters:
                return frame, detections
            if self._tracker is not None:
                detections = self._tracker(frame, detections)
            time = frame.steady_time
            crossings: List[Crossing] = []
            # A video that starts again: no track goes on.
            if time < self._time:
                crossings += self._end_tracks(list(self._seen))
            self._time = time
            self._fit(frame.image.shape[1], frame.image.shape[0])
            for detection in detections:
                if detection.track is not None:
                    crossings += self._see(detection, detection.track, frame.time)
            # After the sightings: a gap between frames ends no track that is there again.
            crossings += self._end_tracks([track for track, seen in self._seen.items() if time - seen > self._lost])
            return replace(frame, areas=self._counted(crossings)), detections

    def snapshot(self) -> Dict[str, Any]:
        """The zones and lines with their counts, for JSON.

        `zones` and `lines` by name: what `Counted.as_dict` gives, with the `corners` and whether these are `pixels`.
        `saved` says whether what is drawn is kept in the configuration file.
        """
        with self._lock:
            counted = self._counted([])
        where = {
            kind: {area.name: {"corners": area.corners, "pixels": area.pixels, **counts.as_dict()} for area, counts in found}
            for kind, found in (("zones", counted.zones), ("lines", counted.lines))
        }
        return {**where, "saved": self._save is not None}

    def change(self, kind: str, name: str, corners: Optional[Sequence[Sequence[float]]]) -> str:
        """Sets a zone or line, from the next frame on, and saves it; without `corners` it is removed.

        Corners are (x, y) in shares of the image. Returns why it could not be saved; empty where it was, or where nothing
        is saved. Raises InputError where it is no zone or line, where nothing could cross the line, and where it needs a
        tracker that is not installed.
        """
        with self._saving:
            area = None if corners is None else _area(kind, name, corners)
            if area is not None and _is_at_edge(area, 1.0, 1.0):
                raise InputError(f"--{kind} {area}: lies on the edge of the image, where nothing can cross it; draw it further in")
            with self._lock:
                if area is not None:
                    self._set(area)
                elif self._counters.pop((kind, name), None) is None:
                    raise InputError(f"there is no {kind} {name}")
            if self._save is None:
                return ""
            try:
                self._save(kind, name, None if area is None else str(area))
            except (KitError, OSError) as error:
                return str(error)
            return ""

    def _set(self, area: Area) -> None:
        if not self._is_tracked and self._tracker is None:
            self._tracker = Tracker(self._lost)
        self._counters[area.kind, area.name] = (
            ZoneCounter(area) if isinstance(area, areas.Zone) else LineCounter(area)
        )
        self._idle.discard((area.kind, area.name))
        # Fitted with the next frame.
        self._size = (0, 0)

    def _fit(self, width: int, height: int) -> None:
        if self._size == (width, height):
            return
        if self._first == (0, 0):
            self._first = (width, height)
        for key, counter in self._counters.items():
            if counter.area.pixels and self._first != (width, height):
                counter.area = areas.in_shares(counter.area, *self._first)
            area = counter.area
            across, down = (1, 1) if area.pixels else (width, height)
            counter.fit([(x * across, y * down) for x, y in area.corners], width, height)
            if not _is_at_edge(area, width / across, height / down):
                self._idle.discard(key)
            elif key not in self._idle:
                self._idle.add(key)
                where = f"outside the image, which is {width} x {height}, or on its edge"
                print(f"--{area.kind} {area}: lies {where}, and counts nothing; draw it inside", file=sys.stderr)
        self._size = (width, height)

    def _see(self, detection: Detection, track: int, date: float) -> List[Crossing]:
        self._seen[track] = self._time
        point = anchor(detection.box, self._anchor, *self._size)
        sighting = Sighting(track, detection.label, point, detection.box.area**0.5, self._time, date)
        found = [counter.see(sighting) for counter in self._counters.values()]
        return [crossing for crossing in found if crossing is not None]

    def _end_tracks(self, tracks: Sequence[int]) -> List[Crossing]:
        ended = [counter.end(track, self._seen[track]) for track in tracks for counter in self._counters.values()]
        for track in tracks:
            del self._seen[track]
        return [crossing for crossing in ended if crossing is not None]

    def _counted(self, crossings: Sequence[Crossing]) -> Counted:
        counters = list(self._counters.values())
        return Counted(
            tuple((item.area, item.counts(self._time)) for item in counters if isinstance(item, ZoneCounter)),
            tuple((item.area, item.counts(self._time)) for item in counters if isinstance(item, LineCounter)),
            tuple(crossings),
            {item.area.name: item.tracks() for item in counters if isinstance(item, ZoneCounter)},
        )


def _area(kind: str, name: str, corners: Sequence[Sequence[float]]) -> Area:
    try:
        numbers = [f"{min(max(float(value), 0.0), 1.0):.4f}" for x, y in corners for value in (x, y)]
        return areas.READERS[kind](f"{name}={','.join(numbers)}")
    # A whole number that no float can hold raises the last one.
    except (argparse.ArgumentTypeError, ValueError, TypeError, OverflowError) as error:
        raise InputError(str(error)) from None


def _is_at_edge(area: Area, width: float, height: float) -> bool:
    """Whether a line lies along an edge of the image, or a zone or line beyond one; sizes in the unit of its corners.

    Objects are inside of the image (`anchor`), so that nothing is on the other side.
    """
    least = [min(axis) for axis in zip(*area.corners)]
    most = [max(axis) for axis in zip(*area.corners)]
    beyond = least[0] >= width or least[1] >= height
    return beyond or (isinstance(area, areas.Line) and min(most) <= 0)
