"""Words for a terminal: ages, and text that came from a network."""

from __future__ import annotations

import re

from devices.host.durations import in_unit

# Longest text in a column; longer ones are cut.
WIDEST = 40


def age(seconds: float) -> str:
    """`8 s`, `12 min`, `5 h`, `3 d`."""
    number, unit = in_unit(seconds)
    return f"{number:.0f} {unit}"


def plain(text: str) -> str:
    """`text` without control characters, which a terminal would obey; it comes from a network."""
    return re.sub(r"\s+", " ", "".join(mark if mark.isprintable() else "?" for mark in text)) or "-"
