"""The score from which on a file's detections are worth showing: where F1 is highest on validation images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runtime.common.values import Box, Detection
from train.evaluation import error_analysis
from train.evaluation.coco import GroundTruth
from train.evaluation.error_analysis import Curve


@dataclass(frozen=True)
class Threshold:
    """A score in 0..1, and precision, recall and F1 (at IoU 0.5) of the detections that have it or more.

    `best_f1` is what the best of all thresholds would give. `precision` is None where nothing has the score, `recall`
    where nothing is labelled.
    """

    score: float
    precision: float | None
    recall: float | None
    f1: float
    best_f1: float

    def as_dict(self) -> dict[str, float | None]:
        """For the manifest, four places."""
        figures = {"score": self.score, "precision": self.precision, "recall": self.recall, "F1": self.f1}
        return {name: None if value is None else round(value, 4) for name, value in figures.items()}


@dataclass(frozen=True)
class Thresholds:
    """One threshold for all classes together, and the one that each class would have by itself."""

    overall: Threshold
    per_class: Mapping[str, Threshold]

    def as_dict(self) -> dict[str, Any]:
        """For the manifest."""
        by_class = {label: threshold.as_dict() for label, threshold in self.per_class.items()}
        return {**self.overall.as_dict(), "per_class": by_class}


def best_thresholds(truth: GroundTruth, found: Mapping[str, Sequence[Detection]]) -> Thresholds | None:
    """The thresholds of the detections `found`, which are given by image id; None where none of them is right."""
    curves = error_analysis.curves(truth.labelled(), _shown(truth, found), truth.labels)
    together = error_analysis.pooled(curves.values())
    if not together.correct.any():
        return None
    return Thresholds(_threshold(together), {label: _threshold(curve) for label, curve in curves.items()})


def _threshold(curve: Curve) -> Threshold:
    score = error_analysis.best_score(curve)
    precision, recall = curve.at(score)
    return Threshold(score, precision, recall, curve.f1_at(score), error_analysis.best_f1(curve))


def _shown(truth: GroundTruth, found: Mapping[str, Sequence[Detection]]) -> dict[str, list[Detection]]:
    """As the runtime and the apps show them: of the very same box the best class alone."""
    labels = set(truth.labels)
    shown: dict[str, list[Detection]] = {}
    for id, rows in found.items():
        best: dict[Box, Detection] = {}
        for detection in sorted(rows, key=lambda detection: -detection.score):
            best.setdefault(detection.box, detection)
        shown[id] = [detection for detection in best.values() if detection.label in labels]
    return shown
