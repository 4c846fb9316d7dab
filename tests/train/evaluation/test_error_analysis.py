"""Error analysis of hand-made detections: matches, curves, confusion matrix, worst images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from runtime.common.values import Box, Detection, Labels
from train.dataset.examples.example import Example, LabelledBox
from train.evaluation import error_analysis
from train.evaluation.error_analysis import best_score, confusion, curves, outcomes, pooled, worst
from train.evaluation.iou import iou

LABELS = Labels(("cat", "dog"))
HERE, THERE, NOWHERE = Box(10, 10, 50, 50), Box(100, 100, 160, 160), Box(200, 10, 240, 40)


def example(id: str, *boxes: tuple[str, Box]) -> Example:
    return Example(id, Path(f"{id}.jpg"), 300, 200, tuple(LabelledBox(*item) for item in boxes))


def found(label: str, box: Box, score: float = 0.9) -> Detection:
    return Detection(label, LABELS.index(label), score, box)


def test_iou_by_hand():
    half = Box(10, 10, 50, 30)
    assert iou([HERE, THERE], [half, HERE]) == pytest.approx(np.array([[0.5, 1], [0, 0]]))
    assert iou([HERE], [Box(20, 20, 20, 30)]) == 0 and iou([], [HERE]).shape == (0, 1)


def test_a_curve_counts_correct_detections_by_falling_score():
    examples = [example("a", ("cat", HERE), ("cat", THERE)), example("b", ("dog", HERE))]
    seen = {"a": [found("cat", THERE, 0.5), found("cat", HERE, 0.9), found("cat", NOWHERE, 0.7)]}
    curve = curves(examples, seen, LABELS)["cat"]
    assert curve.boxes == 2 and curve.scores.tolist() == [0.9, 0.7, 0.5]
    assert curve.precision.tolist() == pytest.approx([1, 1 / 2, 2 / 3])
    assert curve.recall.tolist() == pytest.approx([1 / 2, 1 / 2, 1])
    assert curve.f1.tolist() == pytest.approx([2 / 3, 1 / 2, 4 / 5])
    assert curve.at(0.6) == (1 / 2, 1 / 2) and curve.at(0.95) == (None, 0)
    nothing = curves(examples, seen, LABELS)["dog"]
    assert nothing.boxes == 1 and len(nothing.scores) == 0 and nothing.at(0.5) == (None, 0)


def test_a_box_is_matched_once_and_only_with_its_own_class():
    examples = [example("a", ("cat", HERE))]
    seen = {"a": [found("cat", HERE, 0.9), found("cat", HERE, 0.8), found("dog", HERE, 0.95)]}
    by_class = curves(examples, seen, LABELS)
    assert by_class["cat"].correct.tolist() == [True, False] and by_class["dog"].correct.tolist() == [False]
    assert pooled(by_class.values()).correct.tolist() == [False, True, False]


def test_the_best_score_is_the_middle_of_what_is_as_good():
    """F1 is 1 over 0.2 and up to 0.6; with one false detection among 200 correct ones it is nearly so below that."""
    boxes = [("cat", Box(40 * x, 40 * y, 40 * x + 20, 40 * y + 20)) for x in range(20) for y in range(10)]
    seen = [found("cat", box, 0.6 + 0.001 * place) for place, (_, box) in enumerate(boxes)]
    for low, expected in ((), 0.3), ((0.2,), 0.3), ((0.2, 0.1, 0.09, 0.08), 0.35):
        false = [found("cat", NOWHERE, score) for score in low]
        curve = pooled(curves([example("a", *boxes)], {"a": [*seen, *false]}, LABELS).values())
        assert best_score(curve) == expected, low


def test_the_best_score_is_where_f1_is_highest():
    examples = [example("a", ("cat", HERE), ("cat", THERE))]
    seen = {"a": [found("cat", HERE, 0.9), found("cat", THERE, 0.438), found("cat", NOWHERE, 0.2)]}
    curve = pooled(curves(examples, seen, LABELS).values())
    assert best_score(curve) == 0.32
    assert best_score(pooled(curves(examples, {}, LABELS).values())) == 0.5


def test_every_box_and_detection_has_one_outcome():
    examples = [example("a", ("cat", HERE), ("cat", THERE), ("dog", NOWHERE))]
    wrong, loose = found("dog", THERE, 0.8), found("cat", Box(10, 10, 50, 29), 0.7)
    low = found("dog", NOWHERE, 0.3)
    (seen,) = outcomes(examples, {"a": [found("cat", HERE), wrong, loose, low]}, 0.5)
    assert [(item.box, detection.label) for item, detection in seen.correct] == [(HERE, "cat")]
    assert [(item.label, detection) for item, detection in seen.confused] == [("cat", wrong)]
    assert [item.label for item in seen.missed] == ["dog"] and seen.false == (loose,)
    assert seen.errors == 3
    assert confusion([seen], LABELS).tolist() == [[1, 1, 0], [0, 0, 1], [1, 0, 0]]


def test_equal_boxes_are_counted_each():
    same = LabelledBox("cat", HERE)
    image = Example("a", Path("a.jpg"), 300, 200, (same, LabelledBox("cat", HERE)))
    (seen,) = outcomes([image], {"a": [found("cat", HERE)]}, 0.5)
    assert len(seen.correct) == len(seen.missed) == 1


def test_the_worst_come_first_then_the_lowest_iou():
    names = ("tight", "loose", "bad", "worse")
    examples = [example(name, ("cat", HERE), *([("dog", THERE)] if name == "worse" else [])) for name in names]
    seen = outcomes(examples, {"tight": [found("cat", HERE)], "loose": [found("cat", Box(10, 10, 50, 40))]}, 0.5)
    assert [outcome.example.id for outcome in worst(seen)] == ["worse", "bad", "loose", "tight"]
    assert [outcome.example.id for outcome in worst(seen, 1)] == ["worse"]
    assert [outcome.lowest_iou for outcome in seen] == [1, 0.75, 1, 1]


def test_curves_agree_with_cocos_average_precision():
    from train.evaluation.coco import GroundTruth

    rng = np.random.default_rng(0)
    examples, seen = [], {}
    for i in range(30):
        boxes = [Box(x, y, x + 30, y + 40) for x, y in rng.uniform(0, 150, (3, 2))]
        examples.append(example(str(i), *(("cat", box) for box in boxes)))
        moved = [Box(*(np.array(box.as_tuple()) + rng.normal(0, 6, 4))) for box in boxes]
        seen[str(i)] = [found("cat", box, float(score)) for box, score in zip(moved, rng.uniform(0, 1, 3))]
    curve = error_analysis.curves(examples, seen, LABELS)["cat"]
    envelope = np.maximum.accumulate(curve.precision[::-1])[::-1]
    places = np.searchsorted(curve.recall, np.linspace(0, 1, 101), side="left")
    area = np.mean([envelope[place] if place < len(envelope) else 0.0 for place in places])
    assert area == pytest.approx(GroundTruth.from_examples(examples, LABELS).measure(seen).per_class_50["cat"], abs=0.01)
