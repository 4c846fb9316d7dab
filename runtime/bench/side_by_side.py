"""Detectors side by side, frame by frame in turns."""

from __future__ import annotations

from typing import Dict, Hashable, Mapping, Sequence, TypeVar

import numpy as np

from runtime.bench.stages import Stages
from runtime.common.values import Frame
from runtime.inference.detector import Detector

# Frames before the clock counts.
_WARM_UP = 5
# Frames of one in a row before the other has its turn, so that a machine that slows down slows down
# both, and each finds its weights in the caches.
TURN = 5


Name = TypeVar("Name", bound=Hashable)


def in_turns(detectors: Mapping[Name, Detector], images: Sequence[Frame], frames: int) -> Dict[Name, Stages]:
    """What each detector took for `frames` frames, the detectors taking turns."""
    stages = {name: Stages() for name in detectors}
    for detector in detectors.values():
        for _ in range(_WARM_UP):
            detector(images[0].image, images[0].color)
    for start in range(0, frames, TURN):
        for name, detector in detectors.items():
            for index in range(start, min(start + TURN, frames)):
                stages[name].detect(detector, images[index % len(images)])
    return stages


def total(stages: Stages) -> np.ndarray:
    """Milliseconds of each whole frame, from image to detections."""
    return np.array(stages.total)
