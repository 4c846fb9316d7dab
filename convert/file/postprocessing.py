"""The options of the post-processing inside a file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Postprocessing:
    """Options of the operation that makes detections.

    At most `detections` an image, none below `score`; of two boxes, whatever their classes,
    that overlap by more than `iou` the one with the lower score goes.
    """

    detections: int = 25
    score: float = 0.01
    iou: float = 0.6
    candidates: int = 512
