"""Weights of classes: by name, or balanced by the number of their boxes."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.common.errors import InputError
from runtime.common.values import Box, Labels
from train.dataset.dataset import Dataset
from train.dataset.examples.example import Example, LabelledBox
from train.training import class_weights


def dataset(*labels: str, **boxes: int) -> Dataset:
    """A data set with as many boxes of each class as `boxes` says, and more of them in validation."""
    items = [LabelledBox(name, Box(0, 0, 5, 5)) for name, count in boxes.items() for _ in range(count)]
    train, validation = (
        Example(id, Path(f"{id}.jpg"), 10, 10, tuple(found)) for id, found in (("a", items), ("b", items[:1] * 500))
    )
    return Dataset((train,), (validation,), Labels(tuple(labels) or tuple(boxes)), (), "pets")


def test_named_classes_have_their_weights_and_others_one():
    pets = dataset("cat", "dog", "big, old=bear", cat=1)
    assert class_weights.from_option(None, pets) == ()
    assert class_weights.from_option("dog=2.5", pets) == (1.0, 2.5, 1.0)
    assert class_weights.from_option("big, old=bear=3,cat=0.5", pets) == (0.5, 1.0, 3.0)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("cow=2", "--class-weights: cow is no class of pets; there are cat, dog"),
        ("cat", "--class-weights must be balanced or NAME=W,NAME=W"),
        ("cat=two", "above 0, not 'cat=two'"),
        ("cat=0", "above 0"),
        ("cat=-1", "above 0"),
        ("cat=inf", "above 0"),
        ("cat=1,", None),
        ("cat=1,dog", "above 0"),
    ],
)
def test_anything_else_is_an_error(option, message):
    pets = dataset("cat", "dog", cat=1)
    if message is None:
        assert class_weights.from_option(option, pets) == (1.0, 1.0)
        return
    with pytest.raises(InputError, match=message):
        class_weights.from_option(option, pets)


def test_balanced_weights_follow_the_boxes_of_training():
    weights = class_weights.from_option("balanced", dataset(cat=90, dog=10))
    # Nearly in proportion to 1 / n, with a mean of 1.
    assert weights == pytest.approx((0.2 * 1.04, 1.8), rel=0.03) and sum(weights) == pytest.approx(2)


def test_balanced_weights_are_those_of_the_paper():
    expected = [0.001 / (1 - 0.999**count) for count in (1, 50, 2000, 100_000)]
    scale = 4 / sum(expected)
    assert class_weights.balanced([1, 50, 2000, 100_000]) == pytest.approx([scale * value for value in expected])
    assert class_weights.balanced([7, 7, 7]) == pytest.approx((1, 1, 1))
    assert class_weights.balanced([0, 1]) == pytest.approx((1, 1))
