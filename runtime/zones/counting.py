"""Counts the tracks that cross a line, and those that are in a zone, whatever trembles.

A detector's boxes tremble by some hundredths of their size, and now and then one covers half of its object. So a track is on
a side of a line, or in a zone or out of it, only where its point is clear of the border by MARGIN of the box's size, and
changes sides only when it was seen clear on the other one SIGHTINGS times in a row. What lies between says nothing.

A track crosses a line when it changes from the side on which it was clear to the other, and its path has gone between the
line's ends more often that way than back: the straight ways between two sightings, however many frames lie between. So
who goes round an end, and trembles between the ends before it is clear, has not crossed.
"""

from __future__ import annotations

import statistics
from collections import Counter, deque
from dataclasses import dataclass
from typing import Counter as Counts
from typing import Deque, Dict, FrozenSet, List, Optional

from runtime.areas.areas import ENTERED, IN, LEFT, OUT, Crossing, Dwell, Line, LineCounts, Zone, ZoneCounts
from runtime.zones.geometry import Edge, Point, area, crosses, distance, edges, inside, offset

# Share of the square root of a box's area. Of four people who stand before a table, the point moved from frame to frame by less
# than 0.015 of it in nine of ten frames, 0.055 in 99 of 100, and 0.068 at most (a uint8 SSD MobileNet, 768 x 432 pixels).
MARGIN = 0.05
SIGHTINGS = 2

# Share of the image's width and height. A corner of a zone that is nearer to the edge was meant to lie on it: nobody draws
# more exactly, and the point of an object that is cut off at the edge would never be clear of a border so near.
EDGE = 0.01

# Stays over which the median is taken.
LATEST_STAYS = 1000


@dataclass(frozen=True)
class Sighting:
    """A track in a frame: its `point` in pixels, the `size` of its box (the root of its area), and the time in seconds.

    `time` is `Frame.steady_time`, in which stays are measured, `date` is `Frame.time`.
    """

    track: int
    label: str
    point: Point
    size: float
    time: float
    date: float = 0.0


@dataclass
class _Path:
    """Where a track is beside a line: -1 on its left, 1 on its right, 0 for unknown."""

    # The latest sighting that isn't exactly on the line; and how often the path has gone between the line's ends to the
    # right, less how often to the left, since it was last clear on the confirmed side.
    point: Point
    side: int
    between: int = 0
    confirmed: int = 0
    seen: int = 0


class LineCounter:
    """Counts the tracks that cross one line."""

    def __init__(self, line: Line) -> None:
        self.area = line
        self._inward: Counts[str] = Counter()
        self._outward: Counts[str] = Counter()
        self._paths: Dict[int, _Path] = {}
        self._ends: Edge = ((0.0, 0.0), (0.0, 0.0))

    def fit(self, corners: List[Point], width: int, height: int) -> None:
        """Sets the line's ends in pixels."""
        self._ends = (corners[0], corners[1])

    def see(self, sighting: Sighting) -> Optional[Crossing]:
        """Takes the next sighting of a track; returns its crossing, if that is certain by now."""
        away = offset(sighting.point, *self._ends)
        side = (away > 0) - (away < 0)
        path = self._paths.get(sighting.track)
        if path is None:
            path = self._paths[sighting.track] = _Path(sighting.point, side)
        if side and side != path.side and crosses((path.point, sighting.point), self._ends):
            path.between += side
        if side:
            path.point, path.side = sighting.point, side
        if not side or abs(away) < MARGIN * sighting.size:
            path.seen = 0
            return None
        if not path.confirmed or side == path.confirmed:
            path.confirmed, path.seen, path.between = side, 0, 0
            return None
        path.seen += 1
        if path.seen < SIGHTINGS:
            return None
        has_crossed = path.between * side > 0
        path.confirmed, path.seen, path.between = side, 0, 0
        if not has_crossed:
            return None
        (self._inward if side > 0 else self._outward)[sighting.label] += 1
        return Crossing(self.area.kind, self.area.name, IN if side > 0 else OUT, sighting.track, sighting.label)

    def end(self, track: int, time: float) -> Optional[Crossing]:
        """Forgets a track that is lost."""
        self._paths.pop(track, None)
        return None

    def counts(self, time: float) -> LineCounts:
        """The counts so far."""
        return LineCounts(dict(self._inward), dict(self._outward))


@dataclass
class _Stay:
    """Where a track is: in the zone or not, with the class under which it is counted there."""

    label: str
    inside: bool = False
    # When it came in, also as a date, and when it was first seen where it is not yet counted.
    since: float = 0.0
    since_date: float = 0.0
    changed: float = 0.0
    changed_date: float = 0.0
    seen: int = 0


class ZoneCounter:
    """Counts the tracks in one zone; those that are first seen in it have entered it, those that are lost in it have left."""

    def __init__(self, zone: Zone) -> None:
        self.area = zone
        self._entered: Counts[str] = Counter()
        self._left: Counts[str] = Counter()
        self._stays: Dict[int, _Stay] = {}
        self._ended: Deque[float] = deque(maxlen=LATEST_STAYS)
        self._median: Optional[float] = None
        self._longest: Optional[float] = None
        self._corners: List[Point] = []
        self._borders: List[Edge] = []
        self._most_margin = 0.0

    def fit(self, corners: List[Point], width: int, height: int) -> None:
        """Sets the zone's corners in pixels of an image of `width` x `height`; those within EDGE of its edge lie on it."""
        corners = _at_rim(corners, width, height)
        self._corners = corners
        # Nothing is beyond the edge of the image, where boxes are cut off: such a border needs no distance.
        self._borders = [edge for edge in edges(corners) if not _is_at_rim(edge, width, height)]
        around = sum(distance(a, (b, b)) for a, b in edges(corners))
        # So that a thing which is larger than the zone can be clear of its borders too: half way to the middle of a square.
        self._most_margin = area(corners) / around

    def see(self, sighting: Sighting) -> Optional[Crossing]:
        """Takes the next sighting of a track; returns that it entered or left, if that is certain by now."""
        stay = self._stays.get(sighting.track)
        if stay is None:
            stay = self._stays[sighting.track] = _Stay(sighting.label)
        if self._is_inside(sighting, stay.inside) == stay.inside:
            stay.seen = 0
            return None
        if not stay.seen:
            stay.changed, stay.changed_date = sighting.time, sighting.date
        stay.seen += 1
        if stay.seen < SIGHTINGS:
            return None
        stay.seen = 0
        if stay.inside:
            return self._leave(sighting.track, stay, stay.changed)
        stay.inside, stay.label = True, sighting.label
        stay.since, stay.since_date = stay.changed, stay.changed_date
        self._entered[stay.label] += 1
        return Crossing(self.area.kind, self.area.name, ENTERED, sighting.track, stay.label)

    def end(self, track: int, time: float) -> Optional[Crossing]:
        """Forgets a track that is lost, and was last seen at `time`; returns that it left, if it was in the zone."""
        stay = self._stays.pop(track, None)
        return self._leave(track, stay, time) if stay is not None and stay.inside else None

    def counts(self, time: float) -> ZoneCounts:
        """The counts up to `time`."""
        present = [stay for stay in self._stays.values() if stay.inside]
        first = min(present, key=lambda stay: stay.since, default=None)
        return ZoneCounts(
            dict(Counter(stay.label for stay in present)),
            dict(self._entered),
            dict(self._left),
            Dwell(self._median, self._longest, None if first is None else time - first.since),
            None if first is None else first.since_date,
        )

    def tracks(self) -> FrozenSet[int]:
        """The tracks that are in the zone."""
        return frozenset(track for track, stay in self._stays.items() if stay.inside)

    def _leave(self, track: int, stay: _Stay, time: float) -> Crossing:
        stay.inside = False
        dwell = max(0.0, time - stay.since)
        self._left[stay.label] += 1
        self._ended.append(dwell)
        self._median = statistics.median(self._ended)
        self._longest = max(dwell, self._longest or 0.0)
        return Crossing(self.area.kind, self.area.name, LEFT, track, stay.label, dwell)

    def _is_inside(self, sighting: Sighting, before: bool) -> bool:
        margin = min(MARGIN * sighting.size, self._most_margin)
        if any(distance(sighting.point, border) < margin for border in self._borders):
            return before
        return inside(sighting.point, self._corners)


def _at_rim(corners: List[Point], width: int, height: int) -> List[Point]:
    """The corners with those near the edge of the image moved onto it; as they are where no zone would be left."""
    moved = [(_nearest_rim(x, width), _nearest_rim(y, height)) for x, y in corners]
    return moved if area(moved) else corners


def _nearest_rim(value: float, side: int) -> float:
    if value < EDGE * side:
        return 0.0
    return float(side) if (1 - EDGE) * side < value < side else value


def _is_at_rim(edge: Edge, width: int, height: int) -> bool:
    (left, top), (right, bottom) = edge
    return (left == right and not 0 < left < width) or (top == bottom and not 0 < top < height)
