"""The experiment that a run's options make."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from runtime.common.errors import InputError
from runtime.common.values import Box, Labels
from train.dataset.dataset import Dataset
from train.dataset.examples.example import Example, LabelledBox
from train.run.options import Options
from train.training import training

NAMES = ("ant", "bee", "cow")


def example(number: int, *names: str) -> Example:
    boxes = tuple(LabelledBox(name, Box(1, 1, 5, 5)) for name in names)
    return Example(f"p{number}", Path(f"p{number}.jpg"), 10, 10, boxes)


# Of eight images, all have an ant, two a bee, four a cow.
DATASET = Dataset(
    tuple(
        example(number, "ant", *(["bee", "bee"] if number < 2 else []), *(["cow"] if number % 2 else []))
        for number in range(8)
    ),
    (example(9, "bee"),),
    Labels(NAMES),
    (),
    "animals",
)


def task(**options):
    return training.configuration(DATASET, Options(init="none", **options), ("records",), ("records",)).task


def test_oversampling_repeats_the_images_of_the_class_that_is_rare():
    assert task().train_data.repeats == ()
    assert task(oversample=0.5).train_data.repeats == pytest.approx((1.0, math.sqrt(2), 1.0))
    assert task(oversample=1.0).train_data.repeats == pytest.approx((1.0, 2.0, math.sqrt(2)))


def test_each_class_has_its_own_weight():
    assert task().class_weights == () and task().label_smoothing == 0.0
    assert task(class_weights="bee=3").class_weights == (1.0, 3.0, 1.0)
    ant, bee, cow = task(class_weights="balanced").class_weights
    # Eight boxes, four and four.
    assert bee == pytest.approx(cow) and bee == pytest.approx(2 * ant, rel=0.01)


def test_an_error_in_class_weights_comes_before_anything_is_fetched():
    with pytest.raises(InputError, match="dog is no class of animals; there are ant, bee, cow"):
        training.prepare(DATASET, Options(init="nowhere", class_weights="dog=2"))
