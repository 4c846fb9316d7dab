"""Names of images from several folders in one."""

from __future__ import annotations

from pathlib import Path

import pytest

from train.dataset.examples.example import Example
from train.label.naming import stems


def named(*paths):
    return stems([Example(id, Path("data") / file, 10, 10, ()) for id, file in paths])


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([("a.jpg", "a.jpg"), ("b.png", "b.png")], ["a", "b"]),
        ([("a.jpg", "a.jpg"), ("deep/a.jpg", "deep/a.jpg")], ["a", "deep_a"]),
        ([("a.jpg", "a.jpg"), ("a.png", "a.png"), ("A.webp", "A.webp")], ["a", "a-2", "A-3"]),
        # The path of one is the name of another.
        ([("x/a.jpg", "x/a.jpg"), ("a.jpg", "a.jpg"), ("x_a.jpg", "x_a.jpg")], ["x_a-2", "a", "x_a"]),
        # Ids of a data set have no suffix, and may have dots.
        ([("train/a.rf.1", "train/a.rf.1.jpg"), ("test/a.rf.1", "test/a.rf.1.jpg")], ["train_a.rf.1", "test_a.rf.1"]),
    ],
)
def test_no_two_have_the_same_stem(paths, expected):
    assert named(*paths) == expected
