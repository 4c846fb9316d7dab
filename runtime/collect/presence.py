"""Follows objects from frame to frame: which have gone, and which have come back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional

from runtime.boxes.agreement import best_match
from runtime.collect.moment import Moment
from runtime.common.values import Detection

# From this IoU on, boxes of one class in frames that follow each other are one object, where objects are not tracked.
_SAME_PLACE = 0.3


@dataclass(eq=False)
class Presence:
    """An object: its latest detection, when it was seen first and last, and in how many frames.

    `gone` is the first moment without it; None while it is there.
    """

    detection: Detection
    since: float
    last: float
    frames: int = 1
    gone: Optional[Moment] = None


@dataclass(frozen=True, eq=False)
class Event:
    """An object that came back, or that was out of sight for too long. `missing` is the first moment without it."""

    presence: Presence
    missing: Moment
    returned: bool


class Follower:
    """Follows objects by their tracks, or where there are none by their boxes."""

    def __init__(self, patience: float) -> None:
        """`patience` is for how many seconds an object may be out of sight before it counts as ended."""
        self._patience = patience
        self._present: List[Presence] = []
        self._time = float("-inf")

    def __call__(self, moment: Moment) -> List[Event]:
        """The events that `moment` makes known."""
        if moment.time < self._time:
            # A video has started again.
            self._present = []
        self._time = moment.time
        events: List[Event] = []
        unseen = list(moment.detections)
        for presence in self._present:
            place = self._place(presence, unseen)
            if place < 0:
                presence.gone = presence.gone or moment
                continue
            if presence.gone is not None:
                events.append(Event(presence, presence.gone, returned=True))
                presence.gone = None
            presence.detection, presence.last = unseen.pop(place), moment.time
            presence.frames += 1
        ended = [item for item in self._present if moment.time - item.last > self._patience]
        events += [Event(item, item.gone, returned=False) for item in ended if item.gone is not None]
        self._present = [item for item in self._present if item not in ended]
        self._present += [Presence(item, moment.time, moment.time) for item in unseen]
        return events

    @staticmethod
    def _place(presence: Presence, unseen: List[Detection]) -> int:
        """The place of the object among detections that belong to none yet; -1 where it isn't."""
        track = presence.detection.track
        if track is not None:
            return next((place for place, item in enumerate(unseen) if item.track == track), -1)
        return best_match(presence.detection, unseen, _SAME_PLACE)
