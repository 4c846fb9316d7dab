"""The score threshold that a file gets, on detections made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convert.evaluation.threshold import best_thresholds
from runtime.common.values import Box, Detection, Labels
from train.dataset.examples.example import Example, LabelledBox
from train.evaluation.coco import GroundTruth

LABELS = Labels(("cat", "dog"))
HERE, THERE, NOWHERE = Box(10, 10, 50, 50), Box(100, 100, 160, 160), Box(200, 10, 240, 40)


def truth(*boxes: tuple[str, Box]) -> GroundTruth:
    rows = tuple(LabelledBox(*item) for item in boxes)
    return GroundTruth.from_examples([Example("a", Path("a.jpg"), 300, 200, rows)], LABELS)


def found(label: str, box: Box, score: float) -> Detection:
    return Detection(label, LABELS.index(label), score, box)


def test_it_is_where_f1_is_highest():
    boxes = truth(("cat", HERE), ("dog", THERE))
    seen = [found("cat", HERE, 0.9), found("dog", THERE, 0.438), found("cat", NOWHERE, 0.3), found("dog", HERE, 0.2)]
    overall = best_thresholds(boxes, {"a": seen}).overall
    # Halfway between the last correct detection and the first false one.
    assert (overall.score, overall.precision, overall.recall, overall.f1, overall.best_f1) == (0.37, 1, 1, 1, 1)


def test_each_class_has_one_of_its_own():
    boxes = truth(("cat", HERE), ("dog", THERE))
    seen = [found("cat", HERE, 0.75), found("cat", NOWHERE, 0.625), found("dog", THERE, 0.25)]
    thresholds = best_thresholds(boxes, {"a": seen})
    assert {label: item.score for label, item in thresholds.per_class.items()} == {"cat": 0.69, "dog": 0.12}
    # Together all three are worth having: F1 is 0.8, against 2 / 3 of the first alone.
    assert thresholds.overall.score == 0.12 and thresholds.overall.f1 == pytest.approx(0.8)
    assert thresholds.as_dict() == {
        "score": 0.12, "precision": 0.6667, "recall": 1.0, "F1": 0.8,
        "per_class": {
            "cat": {"score": 0.69, "precision": 1.0, "recall": 1.0, "F1": 1.0},
            "dog": {"score": 0.12, "precision": 1.0, "recall": 1.0, "F1": 1.0},
        },
    }  # fmt: skip


def test_of_the_very_same_box_the_best_class_counts_as_it_is_shown():
    boxes = truth(("cat", HERE), ("dog", THERE))
    # What the runtime leaves out is not held against a threshold that takes it in.
    seen = [found("cat", HERE, 0.9), found("dog", HERE, 0.5), found("dog", THERE, 0.4)]
    overall = best_thresholds(boxes, {"a": seen}).overall
    assert overall.score == 0.2 and overall.f1 == 1


def test_nothing_found_right_gives_none():
    assert best_thresholds(truth(("cat", HERE)), {"a": [found("cat", NOWHERE, 0.9)]}) is None
    assert best_thresholds(truth(("cat", HERE)), {}) is None
    assert best_thresholds(truth(), {"a": [found("cat", HERE, 0.9)]}) is None


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("near", [False, True])
def test_no_other_threshold_is_better(seed, near):
    """All scores tried one by one; with `near` many share their first two places, where rounding would cost more."""
    random = np.random.default_rng(seed)
    places = [Box(x, y, x + 20, y + 20) for x in (0, 60, 120) for y in (0, 60, 120)]
    labelled = [(str(random.choice(LABELS.names)), place) for place in places]
    seen = []
    for label, box in labelled:
        for _ in range(3):
            move = random.choice([0, 2, 15])
            score = 0.5 + 0.009 * random.random() if near else random.random()
            moved = Box(box.xmin + move, box.ymin, box.xmax + move, box.ymax)
            seen.append(found(label if random.random() < 0.8 else "dog", moved, float(np.float32(score))))
    boxes = truth(*labelled)
    thresholds = best_thresholds(boxes, {"a": seen})
    best = max(f1(labelled, seen, detection.score) for detection in seen)
    assert thresholds.overall.best_f1 == pytest.approx(best)
    assert f1(labelled, seen, thresholds.overall.score) == pytest.approx(thresholds.overall.f1)
    assert thresholds.overall.f1 >= best - 0.005


def f1(labelled, seen, least: float) -> float:
    """Of the detections shown from the score `least` on."""
    shown = {}
    for detection in sorted(seen, key=lambda item: -item.score):
        shown.setdefault(detection.box.as_tuple(), detection)
    taken = [item for item in shown.values() if item.score >= least]
    left, right = list(labelled), 0
    for item in taken:
        overlaps = [(_iou(item.box, box), (label, box)) for label, box in left if label == item.label]
        if overlaps and max(overlaps, key=lambda pair: pair[0])[0] >= 0.5:
            right += 1
            left.remove(max(overlaps, key=lambda pair: pair[0])[1])
    return 2 * right / (len(taken) + len(labelled))


def _iou(a: Box, b: Box) -> float:
    width = max(min(a.xmax, b.xmax) - max(a.xmin, b.xmin), 0)
    height = max(min(a.ymax, b.ymax) - max(a.ymin, b.ymin), 0)
    areas = sum((box.xmax - box.xmin) * (box.ymax - box.ymin) for box in (a, b))
    return width * height / (areas - width * height)
