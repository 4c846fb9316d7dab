"""Two ways of detecting side by side: how much of the other's time one takes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Dict, Hashable, Mapping, Sequence, Tuple, TypeVar

import numpy as np

from runtime.detector import Detector
from runtime.stages import Stages
from runtime.times import Times, table
from runtime.values import Frame

# Frames before the clock counts.
_WARM_UP = 5
# Frames of one in a row before the other has its turn, so that a machine that slows down slows down
# both, and each finds its weights in the caches.
TURN = 5


Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True)
class Comparison:
    """`ratio` is the median time of a whole frame of `file` over that of `against`; `stages` are the
    times of both by name, in the order of work, then `total`."""

    file: str
    against: str
    package: str
    frames: int
    threads: int
    ratio: float
    stages: Mapping[str, Tuple[Tuple[str, Times], ...]]

    def as_dict(self) -> dict:
        """For JSON."""
        stages = {file: {name: asdict(times) for name, times in rows} for file, rows in self.stages.items()}
        return {**asdict(self), "stages": stages}

    def __str__(self) -> str:
        parts = [f"{self.frames} frames each, in turns of {TURN}, {self.threads} threads, {self.package}"]
        parts += [f"{file}\n{table(rows)}" for file, rows in self.stages.items()]
        parts.append(
            f"a frame of {self.file} takes {self.ratio:.3f} of the time of {self.against} (p50): "
            f"it is {1 / self.ratio:.3f} times as fast"
        )
        return "\n\n".join(parts)


def compare(file: str, against: str, pictures: Sequence[Frame], *, frames: int, threads: int) -> Comparison:
    """Times `frames` frames of `pictures`, over and over where there are fewer, on both detectors.

    Raises InputError where one of the files is no detector.
    """
    detectors = {name: Detector(name, threads=threads) for name in dict.fromkeys((file, against))}
    stages = in_turns(detectors, pictures, frames)
    times = {name: _rows(stage) for name, stage in stages.items()}
    ratio = dict(times[file])["total"].p50 / dict(times[against])["total"].p50
    return Comparison(file, against, detectors[file].package, frames, threads, ratio, times)


def in_turns(detectors: Mapping[Name, Detector], pictures: Sequence[Frame], frames: int) -> Dict[Name, Stages]:
    """What each detector took for `frames` frames, the detectors taking turns."""
    stages = {name: Stages() for name in detectors}
    for detector in detectors.values():
        for _ in range(_WARM_UP):
            detector(pictures[0].image, pictures[0].color)
    for start in range(0, frames, TURN):
        for name, detector in detectors.items():
            for index in range(start, min(start + TURN, frames)):
                stages[name].detect(detector, pictures[index % len(pictures)])
    return stages


def total(stages: Stages) -> np.ndarray:
    """Milliseconds of each whole frame, from picture to detections."""
    return np.sum([stages.preprocess, stages.invoke, stages.postprocess], axis=0)


def _rows(stages: Stages) -> Tuple[Tuple[str, Times], ...]:
    named = {"preprocess": stages.preprocess, "invoke": stages.invoke, "postprocess": stages.postprocess}
    return tuple((name, Times.of(values)) for name, values in (*named.items(), ("total", total(stages))))
