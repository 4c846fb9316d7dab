"""A clock for the age of events that a wrong or newly set system clock cannot rush.

A limit in days by the system's clock would delete everything when that clock jumps ahead by a year, as it does on boards
without a battery and with a wrong time server. This clock runs with the monotonic one, which nobody sets. Time in which
nothing ran is made up for while the system's clock is ahead: this clock then runs twice as fast. So a device that was off for
a day has caught up after a day, and a system clock that is a year ahead for an hour makes events an hour older.

Two kinds of lead are no time in which nothing ran, and are only remembered: in the first run there was none before, so that a
clock that begins in 1970 and is then set was wrong; and beyond the longest time that anything is kept, nothing is left to age.
"""

from __future__ import annotations

import math
import time
from typing import Callable, Optional

# Seconds that this clock may make up for in each second that passes.
_CATCH_UP = 1.0


# A system clock before 2020 has not been set.
_SET_SINCE = 1_577_836_800.0


class AgeClock:
    """Gives seconds that are like those since 1970, never run backwards, and never more than twice as fast as time."""

    def __init__(
        self,
        last: Optional[float],
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        *,
        lead: float = 0.0,
        most: float = math.inf,
    ) -> None:
        """Goes on from `last` and `lead`, what it gave in an earlier run; without these it begins with the system's clock.

        At most `most` seconds are made up for.
        """
        # Seconds by which the system's clock is ahead of this one and need not be made up for.
        self.lead = lead
        self._most = 0.0 if last is None else most
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
        wall = self._wall()
        if wall < _SET_SINCE:
            # Not set yet, as after each start of a board without a battery: it says nothing of the lead.
            return self._now
        missing = wall - self.lead - self._now
        if missing > self._most:
            self.lead += missing - self._most
            missing = self._most
        elif missing < 0:
            # Set back, as far as it was ahead before.
            self.lead = max(0.0, self.lead + missing)
            missing = 0.0
        self._now += min(missing, _CATCH_UP * passed)
        return self._now
