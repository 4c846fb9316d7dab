"""When a stream's frames were captured: by the sender's time stamps, in the time of this machine."""

from __future__ import annotations

from collections import deque
from typing import Deque, Optional, Tuple

# The sender's clock and this machine's drift apart, or the sender's rate is a little wrong; so an offset between them
# holds for so many seconds.
WINDOW_SECONDS = 10.0

# A stamp that is later than the offset allows by more than any delay counts as a clock that begins anew.
LONGEST_DELAY_SECONDS = 10.0

# Frames come in the order of their stamps. One that is earlier than the last by more than any reordering is of a clock
# that was set back; a delay of the network only makes frames later.
_SET_BACK_SECONDS = 0.5

_STEP = 1e-3


class StreamClock:
    """Turns time stamps into times of this machine's monotonic clock.

    A network delays each frame by another time, and decoders hand on several at once; the sender's stamps tell how far
    apart they were captured. The frame that took the shortest way tells the offset between the clocks (as the minimum
    filter of NTP does, RFC 5905, section 10). What delay all frames have stays unknown.
    """

    def __init__(self) -> None:
        self._offsets: Deque[Tuple[float, float]] = deque()
        self._last = float("-inf")
        self._last_stamp = float("-inf")

    def time(self, stamp: Optional[float], arrival: float) -> float:
        """The time of a frame with a `stamp` in seconds by any clock, None for none, that came at `arrival`.

        Times increase from frame to frame, and none is later than its arrival, unless frames come at once.
        """
        found = arrival
        if stamp is not None:
            if stamp < self._last_stamp - _SET_BACK_SECONDS:
                self._offsets.clear()
            self._last_stamp = stamp
            found = stamp + self._offset(arrival - stamp, arrival)
        self._last = max(found, self._last + _STEP)
        return self._last

    def _offset(self, offset: float, arrival: float) -> float:
        offsets = self._offsets
        while offsets and offsets[0][0] < arrival - WINDOW_SECONDS:
            offsets.popleft()
        if offsets and offset - offsets[0][1] > LONGEST_DELAY_SECONDS:
            offsets.clear()
        # Those that are larger are never the least one again.
        while offsets and offsets[-1][1] >= offset:
            offsets.pop()
        offsets.append((arrival, offset))
        return offsets[0][1]
