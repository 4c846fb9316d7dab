"""A frame on its way through the loop: prepared for a model, and what becomes of the model's outputs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple

import numpy as np

from runtime.common.values import Detection
from runtime.frames.blurring import FLOOR, Blurring
from runtime.frames.queue import Arrival
from runtime.frames.regions import Crop
from runtime.pipeline.active_model import ActiveModel


@dataclass(eq=False)
class Job:
    """A frame in the pipeline, with the model that it was preprocessed for.

    `detections` are set when the frame is `done`; None then means that the frame was lost. `candidates` are those below
    the threshold that a sink wants, `to_blur` what must not be recognized. `times` are milliseconds by stage.
    """

    model: ActiveModel
    arrival: Arrival
    crop: Optional[Crop]
    times: Dict[str, float]
    # Counts the frames that engines got, in the order of the output.
    number: int = -1
    done: bool = False
    detections: Optional[Tuple[Detection, ...]] = None
    candidates: Tuple[Detection, ...] = ()
    to_blur: Tuple[Detection, ...] = ()

    @classmethod
    def prepared(cls, model: ActiveModel, arrival: Arrival, crop: Optional[Crop]) -> Tuple[Job, List[np.ndarray]]:
        """A job for the frame that has arrived, and the input tensors of `model` for it, or for `crop` of it."""
        start = time.perf_counter()
        image = arrival.frame.image
        tensors = model.detector.inputs(image if crop is None else crop.apply(image), arrival.frame.color)
        times = {"capture": arrival.capture_ms, "preprocess": 1000 * (time.perf_counter() - start)}
        return cls(model, arrival, crop, times), tensors

    def finish(
        self,
        raws: List[List[np.ndarray]],
        invoke_ms: float,
        score: float,
        floor: Optional[float] = None,
        blurring: Optional[Blurring] = None,
    ) -> None:
        """Sets the detections from the model's outputs for each input, which took `invoke_ms`, at the threshold `score`.

        With `floor`, detections below the threshold down to this score become the candidates. With `blurring`, whatever may
        be of its classes becomes `to_blur`, also what overlaps another detection or lies outside of all regions.
        """
        start = time.perf_counter()
        detector = self.model.detector
        height, width = self.arrival.frame.image.shape[:2]
        if self.crop is not None:
            height, width = self.crop.bottom - self.crop.top, self.crop.right - self.crop.left
        detections, candidates = detector.combined(raws, width, height, floor, score)
        if self.crop is not None:
            detections, candidates = self.crop.to_image(detections), self.crop.to_image(candidates)
        if blurring is not None:
            found = detector.all_of(raws, width, height, blurring.classes, FLOOR)
            # And whatever is told or kept, at thresholds that may be lower.
            self.to_blur = (*(found if self.crop is None else self.crop.moved(found)), *detections, *candidates)
        end = time.perf_counter()
        self.times["invoke"] = invoke_ms
        self.times["postprocess"] = 1000 * (end - start)
        self.times["total"] = 1000 * (end - self.arrival.at)
        self.detections, self.candidates = detections, candidates
