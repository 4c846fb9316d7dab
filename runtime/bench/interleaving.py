"""What is compared is timed in short turns, since machines are quicker at one time than at another.

A virtual machine's speed may wander by half within seconds. Neighbouring turns share it, so they are
compared with each other, and who is first changes from round to round.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Dict, List, Mapping, Sequence, Tuple

import numpy as np


@dataclass(frozen=True)
class Ratio:
    """One time over another, by rounds: the median, and from where to where the middle half of them lies."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, times: Sequence[float], others: Sequence[float]) -> Ratio:
        """Of the times of the same rounds."""
        low, median, high = np.percentile(np.divide(times, others), (25, 50, 75))
        return cls(float(median), float(low), float(high))

    @property
    def spread(self) -> Tuple[float, float]:
        return self.low, self.high


def rounds(measured: Mapping[str, Callable[[int], Sequence[float]]], total: int, turn: int) -> Dict[str, List[float]]:
    """The mean of each turn, by name. `measured` have a function each that does a thing so many times, and
    gives how long it took each time; all do it `total` times, in turns of up to `turn`.
    """
    means: Dict[str, List[float]] = {name: [] for name in measured}
    for number, start in enumerate(range(0, total, turn)):
        names = list(measured)
        for name in names if number % 2 == 0 else reversed(names):
            means[name].append(float(np.mean(measured[name](min(turn, total - start)))))
    return means
