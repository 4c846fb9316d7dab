"""Follows objects from frame to frame: which have gone, and which have come back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, List, Optional

from runtime.boxes.agreement import best_match
from runtime.collect.moment import Moment
from runtime.common.values import Detection

# From this IoU on, boxes of one class in frames that follow each other are one object, where objects are not tracked.
_SAME_PLACE = 0.3

# Bytes of images that wait, in all, to be picked or not. Eight of 1920 x 1080; one always may wait.
_MOST_BYTES = 50_000_000


@dataclass(eq=False)
class Presence:
    """An object: its latest detection, when it was seen first and last, and in how many frames.

    `gone` is whether it is out of sight, and `missing` the first moment without it, if that may be picked.
    """

    detection: Detection
    since: float
    last: float
    frames: int = 1
    gone: bool = False
    missing: Optional[Moment] = None


@dataclass(frozen=True, eq=False)
class Event:
    """An object that came back, or that was out of sight for too long. `missing` is the first moment without it."""

    presence: Presence
    missing: Moment
    returned: bool


class Follower:
    """Follows objects by their tracks, or where there are none by their boxes.

    Holds on to the images of moments that may be picked later, and of those to no more than fit into some memory.
    """

    def __init__(self, patience: float, may_pick: Callable[[Presence, Moment], bool]) -> None:
        """`patience` is for how many seconds an object may be out of sight before it counts as ended.

        `may_pick` says of an object and the first moment without it whether an event of the two is wanted.
        """
        self._patience = patience
        self._may_pick = may_pick
        self._present: List[Presence] = []
        self._time = float("-inf")

    def __call__(self, moment: Moment) -> List[Event]:
        """The wanted events that `moment` makes known."""
        if moment.time < self._time:
            # A video has started again.
            self._present = []
        self._time = moment.time
        events: List[Event] = []
        unseen = list(moment.detections)
        for presence in self._present:
            place = self._place(presence, unseen)
            if place < 0:
                if not presence.gone and self._may_pick(presence, moment) and self._has_room(moment):
                    presence.missing = moment
                presence.gone = True
                continue
            if presence.missing is not None:
                events.append(Event(presence, presence.missing, returned=True))
            presence.gone, presence.missing = False, None
            presence.detection, presence.last = unseen.pop(place), moment.time
            presence.frames += 1
        ended = [item for item in self._present if moment.time - item.last > self._patience]
        events += [Event(item, item.missing, returned=False) for item in ended if item.missing is not None]
        self._present = [item for item in self._present if item not in ended]
        self._present += [Presence(item, moment.time, moment.time) for item in unseen]
        return events

    def _has_room(self, moment: Moment) -> bool:
        held = {id(item.missing): item.missing.frame.image.nbytes for item in self._present if item.missing is not None}
        return id(moment) in held or not held or sum(held.values()) + moment.frame.image.nbytes <= _MOST_BYTES

    @staticmethod
    def _place(presence: Presence, unseen: List[Detection]) -> int:
        """The place of the object among detections that belong to none yet; -1 where it isn't."""
        track = presence.detection.track
        if track is not None:
            return next((place for place, item in enumerate(unseen) if item.track == track), -1)
        return best_match(presence.detection, unseen, _SAME_PLACE)
