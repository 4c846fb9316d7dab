"""Assignment of examples to training and validation by the parts of a data set."""

from __future__ import annotations

from pathlib import Path, PurePath

import pytest

from runtime.common.errors import InputError
from runtime.common.values import Box
from train.dataset.examples.example import Example, LabelledBox
from train.dataset.examples.problems import Problems
from train.dataset.examples.splits import assign_splits, by_split, group_by_split, without_unlabelled


def examples(names: str) -> list[Example]:
    return [Example(name, Path(f"{name}.jpg"), 9, 9, (LabelledBox("cat", Box(0, 0, 5, 5)),)) for name in names]


def assigned(sources=None, **parts: str) -> tuple[str, str | None, list[str]]:
    """The ids to train on and to validate on, and the notes; `rest` is the part without a name."""
    problems = Problems()
    named = {"" if part == "rest" else part: examples(names) for part, names in parts.items()}
    train, validation = assign_splits(named, problems, sources)
    joined = (None if part is None else "".join(example.id for example in part) for part in (train, validation))
    return (*joined, list(problems.check_limits("here", 1, 1)))


@pytest.mark.parametrize(
    ("parts", "train", "validation", "note"),
    [
        ({"train": "ba", "val": "dc"}, "ab", "cd", ""),
        ({"train": "ab", "test": "c"}, "ab", "c", ""),
        ({"train": "ab", "val": "c", "test": "de"}, "ab", "c", "in the test split: 2 images"),
        ({"rest": "ba"}, "ab", None, ""),
        ({"train": "ab"}, "ab", None, ""),
        ({"train": "ab", "rest": "c"}, "abc", None, ""),
        ({"train": "ab", "val": "c", "rest": "d"}, "abd", "c", "in no part by their names, and so used for training: 1 image"),
        ({"rest": "ab", "val": "c"}, "ab", "c", "in no part by their names, and so used for training: 2 images"),
        ({"rest": "ab", "test": "c"}, "ab", "c", "in no part by their names"),
        ({"val": "ab"}, "ab", None, "no part of the data is for training: all images of its validation part are used"),
        ({"test": "a", "val": "b"}, "ab", None, "all images of its test and validation part are used"),
        ({"train": "ab", "val": "ab"}, "ab", None, "the validation part has the same images as the training part, 2"),
        ({"train": "ab", "test": "ab"}, "ab", None, "the test part has the same images as the training part, 2"),
        ({"train": "ab", "val": "ab", "test": "c"}, "ab", "c", "the validation part has the same images"),
        ({"train": "ab", "val": "c", "test": "ab"}, "ab", "c", "the test part has the same images as the training part, 2: it is not used"),
        ({"train": "abc", "val": "c"}, "ab", "c", "kept out of the training part, because in a part to measure on too: 1 image (c.jpg)"),
        ({"train": "abc", "val": "d", "test": "c"}, "ab", "d", "kept out of the training part"),
        ({"train": "ab", "val": "cd", "test": "cd"}, "ab", "cd", "kept out of the test part"),
        ({"train": "a", "rest": "abc", "val": "c"}, "ab", "c", "kept out of the unnamed part"),
    ],
)  # fmt: skip
def test_parts(parts, train, validation, note):
    found = assigned(**parts)
    assert found[:2] == (train, validation)
    assert note in " ".join(found[2]) and bool(note) == bool(found[2])


@pytest.mark.parametrize("held_out", ["val", "test"])
def test_a_training_part_without_an_image_is_never_replaced(held_out):
    with pytest.raises(InputError, match=r"train.csv: not one image to train on in it, though .* has 2; make it again"):
        assigned({"train": ["train.csv"], held_out: [f"{held_out}.csv"]}, **{held_out: "ab"})
    with pytest.raises(InputError, match="make them again"):
        assigned({"train": ["one.csv", "two.csv"]}, **{held_out: "ab"}, train="")
    assert assigned({"train": ["train.csv"]}, rest="ab", val="c")[:2] == ("ab", "c")
    assert assigned({"train": ["train.csv"]}, train="ab", val="c")[:2] == ("ab", "c")


def test_unlabelled_parts_are_left_out():
    problems = Problems()
    parts = {"train": examples("ab"), "val": examples("c"), "test": examples("de"), "": []}
    assert without_unlabelled(parts, {"train", "val"}, problems).keys() == {"train", "val", ""}
    assert without_unlabelled(parts, {"train", "val", "test"}, Problems()).keys() == parts.keys()
    # Images for training may all be background, and are no figures.
    assert "train" in without_unlabelled(parts, {"val"}, Problems())
    assert problems.check_limits("here", 1, 1) == (
        "left out, because not one image of the test part has labels: 2 images (d.jpg)",
    )


def test_grouping():
    a, b = examples("ab")
    assert group_by_split([("train", a), ("val", None), ("train", b)]) == {"train": [a, b]}
    names = [PurePath("train.csv"), PurePath("x.csv"), PurePath("valid/x.csv")]
    assert by_split(names) == {"train": names[:1], "": names[1:2], "val": names[2:]}
