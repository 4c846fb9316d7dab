"""A frame now and then, whatever is in it: the unbiased part, which a validation set needs."""

from __future__ import annotations

from typing import Iterable, Optional

from runtime.collect.choices import Choice
from runtime.collect.moment import Moment, Pick
from runtime.common.options import seconds

HELP = "every=SECONDS"
DEFAULT = "600"
read = seconds


def connect(interval: float) -> Choice:
    """Picks a moment every `interval` seconds."""
    return Every(interval)


class Every(Choice):
    """Picks the first moment, and the first after each interval since the last pick."""

    unbiased = True

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._last: Optional[float] = None

    def picks(self, moment: Moment) -> Iterable[Pick]:
        """The moment itself."""
        # A video that starts again goes back in time.
        if self._last is None or not 0 <= moment.time - self._last < self._interval:
            self._last = moment.time
            yield Pick(moment, 0.5)
