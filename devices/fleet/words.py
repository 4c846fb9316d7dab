"""Words for a terminal: ages, and text that came from a network."""

from __future__ import annotations

import re

# Longest text in a column; longer ones are cut.
WIDEST = 40


def age(seconds: float) -> str:
    """`8 s`, `12 min`, `5 h`, `3 d`."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def plain(text: str) -> str:
    """`text` without control characters, which a terminal would obey; it comes from a network."""
    return re.sub(r"\s+", " ", "".join(mark if mark.isprintable() else "?" for mark in text)) or "-"
