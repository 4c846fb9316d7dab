"""Zones and lines on the image, and what was counted at them.

A zone is a polygon, in which objects are present. A line has a direction: an object that crosses it goes `in` when it
comes to the side on the right hand of someone who looks from the line's first end to its second, and `out` the other way.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Dict, FrozenSet, Mapping, Optional, Tuple, Union

from runtime.areas import coordinates
from runtime.areas.coordinates import Corners

ZONE, LINE = "zone", "line"
ENTERED, LEFT = "entered", "left"
IN, OUT = "in", "out"

MOST_CORNERS = 64
MOST_NAME = 40


@dataclass(frozen=True)
class _Drawn:
    """Corners (x, y) with a name, in pixels if `pixels` is true, else in shares of the image from 0 to 1."""

    name: str
    corners: Corners
    pixels: bool = False

    def __str__(self) -> str:
        return f"{self.name}={coordinates.text(self.corners)}"


def in_shares(area: Area, width: int, height: int) -> Area:
    """A zone or line in pixels of an image of `width` x `height`, in shares of it."""
    return replace(area, corners=tuple((x / width, y / height) for x, y in area.corners), pixels=False)


class Zone(_Drawn):
    """A polygon."""

    kind = ZONE


class Line(_Drawn):
    """A line between two points, its `corners`."""

    kind = LINE


Area = Union[Zone, Line]


def zone(text: str) -> Zone:
    """Argparse type `NAME=X,Y,X,Y,X,Y[,...]`: pixels if any value is over 1, else shares of the image."""
    name, corners = _named(text)
    if corners is None or not 3 <= len(corners) <= MOST_CORNERS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no zone NAME=X,Y,X,Y,X,Y of 3 to {MOST_CORNERS} corners, as in door=0.4,0.5,0.6,0.5,0.6,1,0.4,1"
        )
    if not coordinates.has_area(corners):
        raise argparse.ArgumentTypeError(f"{text!r}: the zone has no area")
    return Zone(name, corners, coordinates.are_pixels(corners))


def line(text: str) -> Line:
    """Argparse type `NAME=X,Y,X,Y`: pixels if any value is over 1, else shares of the image."""
    name, corners = _named(text)
    if corners is None or len(corners) != 2:
        raise argparse.ArgumentTypeError(f"{text!r} is no line NAME=X,Y,X,Y, as in door=0.4,0.8,0.6,0.8")
    if corners[0] == corners[1]:
        raise argparse.ArgumentTypeError(f"{text!r}: the line has no length")
    return Line(name, corners, coordinates.are_pixels(corners))


READERS: Dict[str, Callable[[str], Area]] = {ZONE: zone, LINE: line}


def _named(text: str) -> Tuple[str, Optional[Corners]]:
    name, equals, numbers = text.rpartition("=")
    if not equals or not name or len(name) > MOST_NAME or name != name.strip() or not name.isprintable() or re.search("[=,]", name):
        raise argparse.ArgumentTypeError(
            f"{text!r}: give NAME=X,Y,..., with a name of up to {MOST_NAME} characters, and neither comma nor = in it"
        )
    return name, coordinates.corners(numbers)


@dataclass(frozen=True)
class Crossing:
    """An object that went over a line or a zone's border in a frame.

    `kind` is `zone` or `line`, `event` is `entered` or `left`, `in` or `out`. `dwell` is how many seconds an object that
    left the zone was in it.
    """

    kind: str
    name: str
    event: str
    track: int
    label: str
    dwell: Optional[float] = None

    def as_dict(self) -> Dict[str, Any]:
        """For JSON: `{"line": "door", "event": "in", "track": 7, "label": "person"}`."""
        fields: Dict[str, Any] = {self.kind: self.name, "event": self.event, "track": self.track, "label": self.label}
        return fields if self.dwell is None else {**fields, "dwell": round(self.dwell, 2)}


@dataclass(frozen=True)
class Dwell:
    """Seconds of stays in a zone, each None where there is no such stay.

    `median` is that of the latest stays that have ended, `longest` that of all that have, `current` that of who is there the
    longest.
    """

    median: Optional[float] = None
    longest: Optional[float] = None
    current: Optional[float] = None


@dataclass(frozen=True)
class ZoneCounts:
    """Objects by class: that are `present`, and that have `entered` and `left` since the start.

    `since` is the `Frame.time` at which who is there the longest came, None for nobody.
    """

    present: Mapping[str, int] = field(default_factory=dict)
    entered: Mapping[str, int] = field(default_factory=dict)
    left: Mapping[str, int] = field(default_factory=dict)
    dwell: Dwell = Dwell()
    since: Optional[float] = None

    def as_dict(self) -> Dict[str, Any]:
        """For JSON: sums, `since`, `dwell` with `median`, `max` and `current`, and the same sums by class in `classes`."""
        columns = {"present": self.present, ENTERED: self.entered, LEFT: self.left}
        seconds = {"median": self.dwell.median, "max": self.dwell.longest, "current": self.dwell.current}
        dwell = {name: None if value is None else round(value, 2) for name, value in seconds.items()}
        since = None if self.since is None else round(self.since, 2)
        return {**_sums(columns), "since": since, "dwell": dwell, "classes": _by_class(columns)}

    def __str__(self) -> str:
        return f"{sum(self.present.values())} in it, {sum(self.entered.values())} entered"


@dataclass(frozen=True)
class LineCounts:
    """Objects by class that have crossed a line since the start, `inward` and `outward`."""

    inward: Mapping[str, int] = field(default_factory=dict)
    outward: Mapping[str, int] = field(default_factory=dict)

    def as_dict(self) -> Dict[str, Any]:
        """For JSON: the sums `in` and `out`, and the same by class in `classes`."""
        columns = {IN: self.inward, OUT: self.outward}
        return {**_sums(columns), "classes": _by_class(columns)}

    def __str__(self) -> str:
        return f"{sum(self.inward.values())} in, {sum(self.outward.values())} out"


@dataclass(frozen=True)
class Counted:
    """All zones and lines with their counts up to a frame, and the crossings in this frame.

    `tracks` are the numbers of the objects that are in a zone, by its name; zones with nobody may be missing.
    """

    zones: Tuple[Tuple[Zone, ZoneCounts], ...] = ()
    lines: Tuple[Tuple[Line, LineCounts], ...] = ()
    crossings: Tuple[Crossing, ...] = ()
    tracks: Mapping[str, FrozenSet[int]] = field(default_factory=dict)

    def as_dict(self) -> Dict[str, Any]:
        """For JSON: `zones` and `lines` by name, and the list of `crossings`."""
        return {
            "zones": {area.name: counts.as_dict() for area, counts in self.zones},
            "lines": {area.name: counts.as_dict() for area, counts in self.lines},
            "crossings": [crossing.as_dict() for crossing in self.crossings],
        }


def _sums(columns: Mapping[str, Mapping[str, int]]) -> Dict[str, int]:
    return {name: sum(by_class.values()) for name, by_class in columns.items()}


def _by_class(columns: Mapping[str, Mapping[str, int]]) -> Dict[str, Dict[str, int]]:
    labels = sorted({label for by_class in columns.values() for label in by_class})
    return {label: {name: by_class.get(label, 0) for name, by_class in columns.items()} for label in labels}
