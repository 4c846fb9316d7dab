"""A detection whose score lies near the threshold of its class."""

from __future__ import annotations

from typing import Iterable

from runtime.collect.choices import Choice
from runtime.collect.moment import Moment, Pick
from runtime.common.options import fraction

HELP = "doubtful=BAND"
DEFAULT = "0.15"
read = fraction


def connect(band: float) -> Choice:
    """Picks scores within `band` of the threshold of their class."""
    return Doubtful(band)


class Doubtful(Choice):
    """Picks a moment with a score in a band around the threshold of its class; the nearer, the worthier."""

    def __init__(self, band: float) -> None:
        self.below = band
        self._band = band

    def picks(self, moment: Moment) -> Iterable[Pick]:
        """The moment itself."""
        found = (*moment.detections, *moment.candidates)
        nearest = min((abs(item.score - moment.threshold(item.label)) for item in found), default=1.0)
        if self._band and nearest <= self._band:
            yield Pick(moment, 1.0 - 0.5 * nearest / self._band)
