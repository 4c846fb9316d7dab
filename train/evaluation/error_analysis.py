"""Error analysis of a detector: precision-recall curves, the confusion matrix, and the images with most errors.

Detections are matched with labelled boxes in the order of their scores. Each is matched with the box, not yet matched,
with which it has the highest IoU, if that is at least 0.5.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from runtime.common.values import Detection, Labels
from train.dataset.examples.example import Example, LabelledBox
from train.evaluation.iou import iou

IOU = 0.5

# F1 that is as good as the highest, which hangs on single detections.
_NEAR_BEST = 0.005

# Detections by image id.
Detections = Mapping[str, Sequence[Detection]]


@dataclass(frozen=True, eq=False)
class Curve:
    """Precision and recall of one class, or of all classes, by falling score.

    `boxes` is the number of labelled boxes. `scores` and `correct` (bool) have one entry per detection; they are empty
    if there are no detections.
    """

    boxes: int
    scores: np.ndarray
    correct: np.ndarray

    @property
    def recall(self) -> np.ndarray:
        """Recall of the first 1, 2, ... detections, [detections]."""
        return np.cumsum(self.correct) / max(self.boxes, 1)

    @property
    def precision(self) -> np.ndarray:
        """Precision of the first 1, 2, ... detections, [detections]."""
        return np.cumsum(self.correct) / np.arange(1, len(self.correct) + 1)

    @property
    def f1(self) -> np.ndarray:
        """Harmonic mean of precision and recall, [detections]."""
        return 2 * np.cumsum(self.correct) / (np.arange(1, len(self.correct) + 1) + self.boxes)

    def f1_at(self, score: float) -> float:
        """F1 of the detections with `score` and more; 0 where there are neither such nor boxes."""
        taken = int((self.scores >= score).sum())
        return 2 * int(self.correct[:taken].sum()) / max(taken + self.boxes, 1)

    def at(self, score: float) -> tuple[float | None, float | None]:
        """Precision and recall of the detections with at least `score`.

        Precision is None if there are no such detections, recall if there are no boxes.
        """
        count = int((self.scores >= score).sum())
        correct = int(self.correct[:count].sum())
        return correct / count if count else None, correct / self.boxes if self.boxes else None


@dataclass(frozen=True)
class Outcome:
    """The matches of one image's labelled boxes with its detections above some score.

    `correct` are pairs with the same class, `confused` pairs with different classes, `missed` the boxes without a
    detection, and `false` the detections without a box.
    """

    example: Example
    correct: tuple[tuple[LabelledBox, Detection], ...]
    confused: tuple[tuple[LabelledBox, Detection], ...]
    missed: tuple[LabelledBox, ...]
    false: tuple[Detection, ...]

    @property
    def errors(self) -> int:
        """Number of confused and missed boxes and false detections."""
        return len(self.confused) + len(self.missed) + len(self.false)

    @property
    def lowest_iou(self) -> float:
        """The lowest IoU of the correct pairs; 1 if there are none."""
        return min((float(iou([item.box], [found.box])[0, 0]) for item, found in self.correct), default=1.0)


class Labelled(Protocol):
    """An image with labelled boxes, such as an example."""

    @property
    def id(self) -> str:
        """What detections refer to."""
        ...

    @property
    def boxes(self) -> Sequence[LabelledBox]:
        """The labelled boxes, in pixels."""
        ...


def curves(examples: Iterable[Labelled], detections: Detections, labels: Labels) -> dict[str, Curve]:
    """The curve of each class. Detections are matched with boxes of their own class only."""
    boxes = dict.fromkeys(labels, 0)
    rows: dict[str, list[tuple[float, bool]]] = {label: [] for label in labels}
    for example in examples:
        for item in example.boxes:
            boxes[item.label] += 1
        for detection, match in _matched(example.boxes, _by_score(detections, example), same_class=True):
            rows[detection.label].append((detection.score, match is not None))
    return {label: _curve(boxes[label], rows[label]) for label in labels}


def pooled(by_class: Iterable[Curve]) -> Curve:
    """One curve with the detections of all classes."""
    by_class = list(by_class)
    rows = [row for curve in by_class for row in zip(curve.scores.tolist(), curve.correct.tolist())]
    return _curve(sum(curve.boxes for curve in by_class), rows)


def best_score(curve: Curve) -> float:
    """The score threshold to detect with; 0.5 if no detection is correct.

    The middle of the range around the highest F1 in which F1 stays within 0.005 of it, rounded to two places where
    that keeps it in the range. At the range's edge it would fit the validation images and no others: where F1 is 1 from
    0.4 to 0.83, an object that scores 0.7 should not be missed.
    """
    if not curve.correct.any():
        return 0.5
    last = _last_of_each_score(curve)
    f1, scores = curve.f1[last], curve.scores[last]
    first = end = int(f1.argmax())
    near = f1 >= f1[first] - _NEAR_BEST
    while first and near[first - 1]:
        first -= 1
    while end + 1 < len(scores) and near[end + 1]:
        end += 1
    # A threshold over the next lower score, and not over the highest in the range, keeps F1 in it.
    lower = float(scores[end + 1]) if end + 1 < len(scores) else 0.0
    middle = (lower + float(scores[first])) / 2
    rounded = round(middle, 2)
    return rounded if lower < rounded <= scores[first] else middle


def best_f1(curve: Curve) -> float:
    """The highest F1 that any threshold gives; 0 where nothing was found."""
    last = _last_of_each_score(curve)
    return float(curve.f1[last].max()) if len(last) else 0.0


def _last_of_each_score(curve: Curve) -> np.ndarray:
    # Detections of one score come together, so that only the last of them can be where a threshold cuts.
    return np.flatnonzero(np.diff(curve.scores, append=-1.0))


def outcomes(examples: Iterable[Example], detections: Detections, score: float) -> tuple[Outcome, ...]:
    """Matches the detections with at least `score` with boxes of any class, image by image."""
    result = []
    for example in examples:
        kept = [detection for detection in _by_score(detections, example) if detection.score >= score]
        pairs = _matched(example.boxes, kept, same_class=False)
        taken = {id(item) for _, item in pairs if item is not None}
        both = [(item, detection) for detection, item in pairs if item is not None]
        result.append(
            Outcome(
                example,
                tuple(pair for pair in both if pair[0].label == pair[1].label),
                tuple(pair for pair in both if pair[0].label != pair[1].label),
                tuple(item for item in example.boxes if id(item) not in taken),
                tuple(detection for detection, item in pairs if item is None),
            )
        )
    return tuple(result)


def confusion(results: Iterable[Outcome], labels: Labels) -> np.ndarray:
    """The confusion matrix, int [K + 1, K + 1]: rows are labelled classes, columns detected ones, the last is none."""
    number = {label: index for index, label in enumerate(labels)}
    nothing = len(labels)
    counts = np.zeros((nothing + 1, nothing + 1), int)
    for outcome in results:
        for item, detection in (*outcome.correct, *outcome.confused):
            counts[number[item.label], number[detection.label]] += 1
        for item in outcome.missed:
            counts[number[item.label], nothing] += 1
        for detection in outcome.false:
            counts[nothing, number[detection.label]] += 1
    return counts


def worst(results: Iterable[Outcome], most: int = 20) -> tuple[Outcome, ...]:
    """The `most` images with the most errors. Among equals, those with the lowest IoU of a correct pair come first."""
    return tuple(sorted(results, key=lambda outcome: (-outcome.errors, outcome.lowest_iou))[:most])


def _by_score(detections: Detections, example: Labelled) -> list[Detection]:
    return sorted(detections.get(example.id, ()), key=lambda detection: -detection.score)


def _matched(
    boxes: Sequence[LabelledBox], detections: Sequence[Detection], *, same_class: bool
) -> list[tuple[Detection, LabelledBox | None]]:
    """Each detection with the box that it is matched with, or None."""
    if not boxes or not detections:
        return [(detection, None) for detection in detections]
    overlap = iou([detection.box for detection in detections], [item.box for item in boxes])
    if same_class:
        overlap[np.array([[d.label != item.label for item in boxes] for d in detections])] = 0.0
    pairs: list[tuple[Detection, LabelledBox | None]] = []
    for row, detection in enumerate(detections):
        best = int(overlap[row].argmax())
        if overlap[row, best] >= IOU:
            overlap[:, best] = 0.0
            pairs.append((detection, boxes[best]))
        else:
            pairs.append((detection, None))
    return pairs


def _curve(boxes: int, rows: Sequence[tuple[float, bool]]) -> Curve:
    ordered = sorted(rows, key=lambda row: -row[0])
    return Curve(boxes, np.array([row[0] for row in ordered], float), np.array([row[1] for row in ordered], bool))
