"""How many frames a second of an event are kept: half as many while the processors have no time left."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Callable, Optional, Tuple

# The free share of all processors below which the pace is halved, and above which it is as before: half the pace frees less than
# lies between the two, so that it does not go up and down.
_BUSY, _FREE = 0.15, 0.3
# Seconds over which the share is taken.
_SPAN = 3.0

_STAT = Path("/proc/stat")


class Pace:
    """Calls give the seconds between two kept frames."""

    def __init__(
        self,
        fps: float,
        read: Optional[Callable[[], Optional[Tuple[int, int]]]] = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`read` gives the time of all processors so far, the free and the whole of it, in any unit; None where nobody knows."""
        self._fps = fps
        self._read = read or processor_time
        self._clock = clock
        self._last = self._read()
        self._due = clock() + _SPAN
        self._halved = False

    def __call__(self) -> float:
        """The seconds, which change at most every few seconds."""
        now = self._clock()
        if now >= self._due:
            self._due = now + _SPAN
            self._look()
        return (2 if self._halved else 1) / self._fps

    def _look(self) -> None:
        last, self._last = self._last, self._read()
        if last is None or self._last is None or self._last[1] <= last[1]:
            return
        share = (self._last[0] - last[0]) / (self._last[1] - last[1])
        self._halved = share < (_FREE if self._halved else _BUSY)


def processor_time() -> Optional[Tuple[int, int]]:
    """Ticks of all processors since the start of the system: those in which nothing was to be done, and all. Linux, see proc(5)."""
    try:
        with _STAT.open("rb") as file:
            # user, nice, system, idle, iowait, irq, softirq, steal; what follows is contained in the first two.
            ticks = [int(word) for word in file.readline().split()[1:9]]
        return ticks[3] + ticks[4], sum(ticks)
    except (OSError, ValueError, IndexError):
        return None
