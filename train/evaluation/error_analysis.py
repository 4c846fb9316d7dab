"""What a detector gets right and wrong: curves of precision and recall, confusions, the worst images.

Detections are matched with labelled boxes at IoU 0.5, best score first, each taking the box that it
overlaps most among those that are left.
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

# How much of F1 a round threshold may cost.
_ROUNDING = 0.001

Found = Mapping[str, Sequence[Detection]]


@dataclass(frozen=True, eq=False)
class Curve:
    """Precision and recall of one class, or of all, as the score falls: arrays [detections].

    `boxes` is the number of labelled boxes. The arrays are empty where nothing was found.
    """

    boxes: int
    scores: np.ndarray
    correct: np.ndarray

    @property
    def recall(self) -> np.ndarray:
        return np.cumsum(self.correct) / max(self.boxes, 1)

    @property
    def precision(self) -> np.ndarray:
        return np.cumsum(self.correct) / np.arange(1, len(self.correct) + 1)

    @property
    def f1(self) -> np.ndarray:
        """The harmonic mean of both."""
        return 2 * np.cumsum(self.correct) / (np.arange(1, len(self.correct) + 1) + self.boxes)

    def f1_at(self, score: float) -> float:
        """F1 of the detections with `score` and more; 0 where there are neither such nor boxes."""
        taken = int((self.scores >= score).sum())
        return 2 * int(self.correct[:taken].sum()) / max(taken + self.boxes, 1)

    def at(self, score: float) -> tuple[float | None, float | None]:
        """Precision and recall of the detections with `score` and more; None where there is no such figure."""
        taken = int((self.scores >= score).sum())
        right = int(self.correct[:taken].sum())
        return right / taken if taken else None, right / self.boxes if self.boxes else None


@dataclass(frozen=True)
class Outcome:
    """What became of one image's labelled boxes, and of what was found in it above some score.

    `correct` are pairs with the right class, `confused` with a wrong one, `missed` boxes that nothing
    was found for, `false` detections where there is nothing.
    """

    example: Example
    correct: tuple[tuple[LabelledBox, Detection], ...]
    confused: tuple[tuple[LabelledBox, Detection], ...]
    missed: tuple[LabelledBox, ...]
    false: tuple[Detection, ...]

    @property
    def errors(self) -> int:
        return len(self.confused) + len(self.missed) + len(self.false)

    @property
    def loosest(self) -> float:
        """The least IoU among the correct pairs; 1 where there are none."""
        return min((float(iou([item.box], [found.box])[0, 0]) for item, found in self.correct), default=1.0)


class Labelled(Protocol):
    """An image with labelled boxes, an example among others."""

    @property
    def id(self) -> str: ...

    @property
    def boxes(self) -> Sequence[LabelledBox]: ...


def curves(examples: Iterable[Labelled], found: Found, labels: Labels) -> dict[str, Curve]:
    """The curve of each class: detections are compared with boxes of their own class only."""
    boxes = dict.fromkeys(labels, 0)
    rows: dict[str, list[tuple[float, bool]]] = {label: [] for label in labels}
    for example in examples:
        for item in example.boxes:
            boxes[item.label] += 1
        pairs = _matched(example.boxes, _by_score(found, example), same_class=True)
        for detection, item in pairs:
            rows[detection.label].append((detection.score, item is not None))
    return {label: _curve(boxes[label], rows[label]) for label in labels}


def together(by_class: Iterable[Curve]) -> Curve:
    """One curve of all classes' detections."""
    by_class = list(by_class)
    rows = [row for curve in by_class for row in zip(curve.scores.tolist(), curve.correct.tolist())]
    return _curve(sum(curve.boxes for curve in by_class), rows)


def best_score(curve: Curve) -> float:
    """The score from which on F1 is highest; 0.5 where nothing right was found.

    Rounded down to two places, or to more where rounding would cost more than 0.001 of F1.
    """
    if not curve.correct.any():
        return 0.5
    last = _last_of_each_score(curve)
    best = float(curve.scores[last[int(curve.f1[last].argmax())]])
    for places in (2, 3, 4):
        rounded = float(np.floor(best * 10**places) / 10**places)
        if curve.f1_at(rounded) >= best_f1(curve) - _ROUNDING:
            return rounded
    return best


def best_f1(curve: Curve) -> float:
    """The highest F1 that any threshold gives; 0 where nothing was found."""
    last = _last_of_each_score(curve)
    return float(curve.f1[last].max()) if len(last) else 0.0


def _last_of_each_score(curve: Curve) -> np.ndarray:
    # Detections of one score come together, so that only the last of them can be where a threshold cuts.
    return np.flatnonzero(np.diff(curve.scores, append=-1.0))


def outcomes(examples: Iterable[Example], found: Found, score: float) -> tuple[Outcome, ...]:
    """What became of each image, with detections of `score` and more, whatever their class."""
    result = []
    for example in examples:
        detections = [detection for detection in _by_score(found, example) if detection.score >= score]
        pairs = _matched(example.boxes, detections, same_class=False)
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


def confusion(seen: Iterable[Outcome], labels: Labels) -> np.ndarray:
    """Counts int [K + 1, K + 1]: rows are what was labelled, columns what was found, the last of each is nothing."""
    number = {label: index for index, label in enumerate(labels)}
    nothing = len(labels)
    counts = np.zeros((nothing + 1, nothing + 1), int)
    for outcome in seen:
        for item, detection in (*outcome.correct, *outcome.confused):
            counts[number[item.label], number[detection.label]] += 1
        for item in outcome.missed:
            counts[number[item.label], nothing] += 1
        for detection in outcome.false:
            counts[nothing, number[detection.label]] += 1
    return counts


def worst(seen: Iterable[Outcome], most: int = 20) -> tuple[Outcome, ...]:
    """The images with the most errors; of equal ones those whose boxes fit least."""
    return tuple(sorted(seen, key=lambda outcome: (-outcome.errors, outcome.loosest))[:most])


def _by_score(found: Found, example: Labelled) -> list[Detection]:
    return sorted(found.get(example.id, ()), key=lambda detection: -detection.score)


def _matched(
    boxes: Sequence[LabelledBox], detections: Sequence[Detection], *, same_class: bool
) -> list[tuple[Detection, LabelledBox | None]]:
    """Each detection with the box that it takes, or None."""
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
