"""The summary of a data set."""

from __future__ import annotations

from pathlib import Path

from runtime.common.values import Box, Labels
from train.dataset.dataset import Dataset
from train.dataset.examples.example import Example, LabelledBox
from train.dataset.summary import describe


def example(id: str, *labels: str) -> Example:
    return Example(id, Path(id), 10, 10, tuple(LabelledBox(label, Box(0, 0, 5, 5)) for label in labels))


def test_what_was_taken_in_five_lines_and_boxes_by_class():
    examples = (example("a", "cat", "dog", "dog"), example("b", "dog")), (example("c", "cat"),)
    data = Dataset(*examples, Labels(("cat", "dog")), (), "pets", format="coco", folder="my/pets", split="the data's own split")
    assert describe(data).splitlines() == [
        "data      pets: coco in my/pets",
        "images    2 to train, 1 to validate (the data's own split)",
        "boxes     4 to train, 1 to validate",
        "classes   2: cat, dog",
        "left out  nothing",
        "boxes of     train  validate",
        "  dog            3         0",
        "  cat            1         1",
    ]


def test_one_thing_left_out_is_said_once():
    data = Dataset((example("a", "cat"),), (example("b", "cat"),), Labels(("cat",)), ("x.xml: its image is missing",), "pets", 1)
    assert describe(data).splitlines()[4] == "left out  1 bad image; x.xml: its image is missing"
    assert describe(data).count("x.xml") == 1


def test_many_classes_and_problems_are_cut_and_counted():
    names = tuple(f"class {i}" for i in range(90))
    problems = tuple(f"{i}.xml: box 1 has no area" for i in range(12))
    data = Dataset((example("a", *names),), (example("b", *names[-5:]),), Labels(names), problems, "many", 1, 11)
    lines = describe(data).splitlines()
    assert len(lines) == 5 + 1 + 20 + 1 + 1 + 5 + 1
    assert lines[3].endswith("class 7 and 82 more")
    assert lines[4] == "left out  1 bad image and 11 bad boxes; 12 lines on it below, the first: 0.xml: box 1 has no area"
    assert lines[26].split() == ["70", "more", "classes", "70", "5"]
    assert lines[27] == "left out or decided (12):" and lines[28] == "  0.xml: box 1 has no area"
    assert lines[-1].startswith("  and 7 more")


def test_images_that_may_just_not_be_labelled_come_first():
    problems = ("x.xml: its image is missing", "taken for background, because they have no label file: 3 of 9 images, such as q.jpg")
    data = Dataset((example("a", "cat"),), (example("b", "cat"),), Labels(("cat",)), problems, "pets", 1)
    assert describe(data).splitlines()[4] == f"left out  1 bad image; 2 lines on it below, the first: {problems[1]}"
