"""How much of a class a file may lose."""

from __future__ import annotations

import pytest

from convert.evaluation import per_class
from convert.evaluation.per_class import ClassFigures
from runtime.common.values import Box, Labels
from train.dataset.examples.example import LabelledBox
from train.evaluation.coco import LabelledImage, Metrics


def of(boxes: int, before: float | None, after: float | None, label: str = "a") -> ClassFigures:
    return ClassFigures(label, boxes, after, after, before)


def test_fewer_boxes_allow_more_and_no_number_allows_less_than_was_asked_for():
    allowed = [per_class.allowed_drop(boxes) for boxes in (10, 20, 100, 10_000)]
    assert allowed == pytest.approx([0.0974, 0.0835, 0.065, 0.0515], abs=5e-5)
    assert per_class.allowed_drop(100, 0.2) == pytest.approx(0.215)


def test_a_class_is_lost_from_the_allowed_drop_on():
    limit = per_class.allowed_drop(50)
    assert per_class.lost([of(50, 0.5, 0.5 - limit + 1e-6)]) == ()
    (found,) = per_class.lost([of(50, 0.5, 0.5 - limit - 1e-6)])
    assert found.drop == pytest.approx(limit, abs=1e-5)


def test_the_greatest_loss_comes_first_and_gains_make_up_for_nothing():
    classes = [of(50, 0.5, 0.3, "some"), of(50, 0.1, 0.9, "more"), of(50, 0.9, 0.0, "all")]
    assert [item.label for item in per_class.lost(classes)] == ["all", "some"]
    assert [item.label for item in per_class.lost(classes, 0.5)] == ["all"]


def test_classes_with_few_boxes_or_without_figures_are_not_judged():
    assert per_class.lost([of(9, 0.9, 0.0), of(50, None, 0.0), of(0, None, None)]) == ()
    assert len(per_class.lost([of(10, 0.9, 0.0)])) == 1


def test_figures_of_each_class():
    class Truth:
        labels = Labels(("a", "b", "c"))

        def labelled(self):
            box = Box(0, 0, 1, 1)
            return LabelledImage("x", (LabelledBox("a", box), LabelledBox("b", box))), LabelledImage("y", (LabelledBox("a", box),))

    metrics = Metrics({"AP": 0.2}, {"a": 0.3, "b": 0.1, "c": None}, 2, {"a": 0.6, "b": 0.2, "c": None})
    reference = Metrics({"AP": 0.2}, {"a": 0.5, "b": 0.0, "c": None}, 2)
    found = per_class.figures(metrics, reference, Truth())
    assert [(item.label, item.boxes, item.ap, item.ap50, item.before) for item in found] == [
        ("a", 2, 0.3, 0.6, 0.5),
        ("b", 1, 0.1, 0.2, 0.0),
        ("c", 0, None, None, None),
    ]
    assert found[0].as_dict() == {"AP": 0.3, "AP50": 0.6, "checkpoint_AP": 0.5, "boxes": 2}
    assert [item.before for item in per_class.figures(metrics, None, Truth())] == [None, None, None]
    # A run of an early version reported the mean alone.
    assert per_class.lost(per_class.figures(metrics, Metrics({"AP": 0.9}, {}, 2), Truth())) == ()
