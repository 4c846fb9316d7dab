"""What a second model finds otherwise than the one that counts."""

from __future__ import annotations

from typing import Iterable

from runtime.boxes.agreement import agreement
from runtime.collect.choices import Choice
from runtime.collect.moment import Moment, Pick
from runtime.common.options import fraction

HELP = "disagreement=LEAST"
DEFAULT = "0.2"
read = fraction


def connect(least: float) -> Choice:
    """Picks moments where models disagree by at least `least`, a share of all objects."""
    return Disagreement(least)


class Disagreement(Choice):
    """Picks moments by the share of objects that only one of two models finds."""

    compares = True

    def __init__(self, least: float) -> None:
        self._least = least

    def picks(self, moment: Moment) -> Iterable[Pick]:
        """The moment itself."""
        if moment.other is None:
            return
        found = agreement(moment.detections, moment.other)
        objects = found.both + found.first_only + found.second_only
        share = (found.first_only + found.second_only) / objects if objects else 0.0
        if share and share >= self._least:
            yield Pick(moment, 0.5 + 0.5 * share)
