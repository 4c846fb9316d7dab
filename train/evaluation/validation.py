"""The result of a validation during training."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.common.values import Detection
from train.evaluation.coco import Metrics


@dataclass(frozen=True)
class Validation:
    """Metrics of a validation, and its detections in pixels by image id."""

    metrics: Metrics
    detections: dict[str, list[Detection]]
