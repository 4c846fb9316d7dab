"""An object that ends inside of the image: it has not left, so it may still be there, unseen."""

from __future__ import annotations

from typing import Iterable

from runtime.collect.choices import Choice
from runtime.collect.moment import Moment, Pick
from runtime.collect.presence import Follower, Presence
from runtime.common.options import seconds
from runtime.common.values import Box

HELP = "missed=SECONDS"
DEFAULT = "1"
read = seconds

# Shares of the image's sides: a box nearer to an edge may have left through it.
_EDGE = 0.04
# Seconds out of sight from which on an object counts as ended.
_PATIENCE = 2.0


def connect(shortest: float) -> Choice:
    """Picks moments in which an object is missing that was seen for at least `shortest` seconds."""
    return Missed(shortest)


class Missed(Choice):
    """Picks the first moment without an object that was last seen away from the edges."""

    def __init__(self, shortest: float) -> None:
        self._shortest = shortest
        self._follow = Follower(_PATIENCE, self._may_pick)

    def picks(self, moment: Moment) -> Iterable[Pick]:
        """Moments before this one."""
        for event in self._follow(moment):
            if not event.returned:
                yield Pick(event.missing, 0.5 + 0.5 * min(1.0, event.presence.detection.score))

    def _may_pick(self, seen: Presence, missing: Moment) -> bool:
        height, width = missing.frame.image.shape[:2]
        return seen.last - seen.since >= self._shortest and _is_inside(seen.detection.box, width, height)


def _is_inside(box: Box, width: int, height: int) -> bool:
    across, down = _EDGE * width, _EDGE * height
    return box.xmin > across and box.ymin > down and box.xmax < width - across and box.ymax < height - down
