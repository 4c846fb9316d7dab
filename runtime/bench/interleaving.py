"""Interleaved timing: everything that is compared is timed in short batches that alternate.

The speed of a virtual machine may vary by half within seconds. Neighboring batches see the same speed, so only
they are compared with each other. The order within a round is reversed in every second round.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Dict, Hashable, List, Mapping, Sequence, Tuple, TypeVar

import numpy as np

from runtime.bench.stages import Stages
from runtime.common.values import Frame
from runtime.inference.detector import Detector

# Frames that are run before timing starts.
_WARM_UP = 5
# Frames of one detector in a row. Short enough that a machine that slows down slows down all detectors alike; long
# enough that each finds its weights in the caches.
BATCH = 5

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True)
class Ratio:
    """The ratio of two times over many rounds: its median and quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, times: Sequence[float], others: Sequence[float]) -> Ratio:
        """The ratio `times` / `others`; both hold one time for each round, in the same order."""
        low, median, high = np.percentile(np.divide(times, others), (25, 50, 75))
        return cls(float(median), float(low), float(high))

    @property
    def spread(self) -> Tuple[float, float]:
        """The lower and upper quartile."""
        return self.low, self.high


def rounds(timers: Mapping[str, Callable[[int], Sequence[float]]], total: int, batch: int) -> Dict[str, List[float]]:
    """Times all of `timers` in alternating batches; returns the mean time of each batch, by name.

    A timer is called with a number of repetitions and returns the time that each one took. All timers do `total`
    repetitions, in batches of up to `batch`.
    """
    means: Dict[str, List[float]] = {name: [] for name in timers}
    for number, start in enumerate(range(0, total, batch)):
        names = list(timers)
        for name in names if number % 2 == 0 else reversed(names):
            means[name].append(float(np.mean(timers[name](min(batch, total - start)))))
    return means


def time_detectors(detectors: Mapping[Name, Detector], images: Sequence[Frame], frames: int) -> Dict[Name, Stages]:
    """The stage times of each of `detectors` over `frames` frames, in alternating batches.

    `images` are repeated where there are fewer than `frames`.
    """
    stages = {name: Stages() for name in detectors}
    for detector in detectors.values():
        for _ in range(_WARM_UP):
            detector(images[0].image, images[0].color)
    for start in range(0, frames, BATCH):
        for name, detector in detectors.items():
            for index in range(start, min(start + BATCH, frames)):
                stages[name].detect(detector, images[index % len(images)])
    return stages
