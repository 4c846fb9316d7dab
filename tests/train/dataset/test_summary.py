"""The summary of a data set."""

from __future__ import annotations

from pathlib import Path

from runtime.common.values import Box, Labels
from train.dataset.dataset import Dataset
from train.dataset.examples.example import Example, LabelledBox
from train.dataset.summary import describe


def example(id: str, *labels: str) -> Example:
    return Example(id, Path(id), 10, 10, tuple(LabelledBox(label, Box(0, 0, 5, 5)) for label in labels))


def test_images_and_boxes_by_class_and_split():
    data = Dataset((example("a", "cat", "dog", "dog"), example("b", "dog")), (example("c", "cat"),), Labels(("cat", "dog")), (), "pets")
    assert describe(data).splitlines() == [
        "pets       train  validate",
        "images         2         1",
        "boxes          4         1",
        "  dog          3         0",
        "  cat          1         1",
    ]


def test_many_classes_and_problems_are_cut_and_counted():
    names = tuple(f"class {i}" for i in range(90))
    problems = tuple(f"{i}.xml: box 1 has no area" for i in range(12))
    data = Dataset((example("a", *names),), (example("b", *names[-5:]),), Labels(names), problems, "many")
    lines = describe(data).splitlines()
    assert len(lines) == 3 + 20 + 1 + 1 + 5 + 1
    assert lines[23].split() == ["70", "more", "classes", "70", "5"]
    assert lines[24] == "left out (12):" and lines[25] == "  0.xml: box 1 has no area"
    assert lines[-1] == "  and 7 more"
