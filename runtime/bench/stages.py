"""Times the stages of a detector, frame by frame."""

from __future__ import annotations

import time
from typing import List, Tuple

from runtime.common.values import Detection, Frame
from runtime.inference.detector import Detector


class Stages:
    """Milliseconds by stage: `preprocess`, `invoke` and `postprocess` have one entry for each frame."""

    def __init__(self) -> None:
        self.preprocess: List[float] = []
        self.invoke: List[float] = []
        self.postprocess: List[float] = []

    @property
    def frames(self) -> int:
        """The number of frames timed so far."""
        return len(self.invoke)

    @property
    def total(self) -> List[float]:
        """Milliseconds of each frame from image to detections."""
        return [sum(times) for times in zip(self.preprocess, self.invoke, self.postprocess)]

    def detect(self, detector: Detector, frame: Frame) -> Tuple[Detection, ...]:
        """Runs `detector` on `frame`, records the time of each stage, and returns the detections."""
        height, width = frame.image.shape[:2]
        start = time.perf_counter()
        tensors = detector.inputs(frame.image, frame.color)
        ready = time.perf_counter()
        raws = [detector.invoke(tensor) for tensor in tensors]
        done = time.perf_counter()
        detections, _ = detector.combined(raws, width, height)
        end = time.perf_counter()
        self.preprocess.append(1000 * (ready - start))
        self.invoke.append(1000 * (done - ready))
        self.postprocess.append(1000 * (end - done))
        return detections
