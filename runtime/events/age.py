"""A clock for the age of events that a wrong or newly set system clock cannot rush.

A limit in days by the system's clock would delete everything when that clock jumps ahead by a year, as it does on boards
without a battery and with a wrong time server. This clock runs with the monotonic one, which nobody sets. Time in which
nothing ran is made up for while the system's clock is ahead: this clock then runs twice as fast. So a device that was off for
a day has caught up after a day, and a system clock that is a year ahead for an hour makes events an hour older.
"""

from __future__ import annotations

import time
from typing import Callable, Optional

# Seconds that this clock may make up for in each second that passes.
_CATCH_UP = 1.0


class AgeClock:
    """Gives seconds that are like those since 1970, never run backwards, and never more than twice as fast as time."""

    def __init__(
        self,
        last: Optional[float],
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """Goes on from `last`, what it gave in an earlier run; without one it begins with the system's clock."""
        self._wall = wall
        self._steady = steady
        self._now = wall() if last is None else last
        self._at = steady()

    def now(self) -> float:
        """The present time."""
        at = self._steady()
        passed = max(0.0, at - self._at)
        self._at = at
        self._now += passed
        self._now += min(max(self._wall() - self._now, 0.0), _CATCH_UP * passed)
        return self._now
