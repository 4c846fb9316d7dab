"""An object that comes and goes: in between it was there, and was not found."""

from __future__ import annotations

from typing import Iterable

from runtime.collect.choices import Choice
from runtime.collect.moment import Moment, Pick
from runtime.collect.presence import Follower
from runtime.common.options import seconds

HELP = "flicker=SECONDS"
DEFAULT = "1.5"
read = seconds

# An object that was seen less often may be a false one that has flashed up twice.
_LEAST_FRAMES = 3


def connect(longest: float) -> Choice:
    """Picks moments in which an object is missing that was seen before, and again within `longest` seconds."""
    return Flicker(longest)


class Flicker(Choice):
    """Picks the first moment of a gap; the longer the object is known, the worthier."""

    def __init__(self, longest: float) -> None:
        self._follow = Follower(longest, lambda seen, missing: seen.frames >= _LEAST_FRAMES)

    def picks(self, moment: Moment) -> Iterable[Pick]:
        """Moments before this one."""
        for event in self._follow(moment):
            if event.returned:
                yield Pick(event.missing, 1.0 - 1.0 / event.presence.frames)
