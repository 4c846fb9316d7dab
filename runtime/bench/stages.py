"""Detects one frame after the other and keeps how long each stage took: for measuring."""

from __future__ import annotations

import time
from typing import List, Tuple

from runtime.common.values import Detection, Frame
from runtime.inference.detector import Detector


class Stages:
    """Milliseconds by stage, one entry a frame."""

    def __init__(self) -> None:
        self.preprocess: List[float] = []
        self.invoke: List[float] = []
        self.postprocess: List[float] = []

    @property
    def frames(self) -> int:
        return len(self.invoke)

    @property
    def total(self) -> List[float]:
        return [sum(times) for times in zip(self.preprocess, self.invoke, self.postprocess)]

    def detect(self, detector: Detector, frame: Frame) -> Tuple[Detection, ...]:
        """The detections in `frame`."""
        height, width = frame.image.shape[:2]
        start = time.perf_counter()
        tensor = detector.preprocess(frame.image, frame.color)
        ready = time.perf_counter()
        raw = detector.invoke(tensor)
        done = time.perf_counter()
        detections = detector.postprocess(raw, width, height)
        end = time.perf_counter()
        self.preprocess.append(1000 * (ready - start))
        self.invoke.append(1000 * (done - ready))
        self.postprocess.append(1000 * (end - done))
        return detections
