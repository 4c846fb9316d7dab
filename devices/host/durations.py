"""Durations for people."""

from __future__ import annotations

from typing import Tuple


def in_unit(seconds: float) -> Tuple[float, str]:
    """A duration in the largest unit of which there are two or more, and the unit: d, h, min or s."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return seconds / size, unit
    return seconds, "s"
