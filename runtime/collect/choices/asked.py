"""What somebody asked for: by the button on the page, or by an MQTT message."""

from __future__ import annotations

from typing import Iterable

from runtime.collect.choices import Choice, switch
from runtime.collect.moment import Moment, Pick

HELP = "asked=on"
DEFAULT = "on"
read = switch


def connect(value: bool) -> Choice:
    """Picks moments that are asked for."""
    return Asked()


class Asked(Choice):
    """Picks the moment after somebody asked."""

    def picks(self, moment: Moment) -> Iterable[Pick]:
        """The moment itself."""
        if moment.asked:
            yield Pick(moment, 1.0)
