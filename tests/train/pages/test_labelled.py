"""A data set as a notebook shows it."""

from __future__ import annotations

import re

import pytest

from runtime.common.values import Box, Labels
from tests.support.voc_samples import data_set
from train import Dataset, Example, LabelledBox, open_dataset

HOSTILE = "</style><script>alert(1)</script>"


@pytest.fixture
def dataset(tmp_path) -> Dataset:
    return open_dataset(data_set(tmp_path / "data", 10))


def test_it_has_images_with_boxes_and_a_table_of_classes(dataset):
    html = dataset._repr_html_()
    assert html.count("data:image/webp") == 10
    assert "8 images to train, 2 to validate" in html and ">cat<" in html
    assert repr(dataset) == "<Dataset data: 8 images to train, 2 to validate, 1 classes>"


def test_it_is_self_contained(dataset):
    assert re.findall(r"(?:src|href)=\"(?!data:)|@import|url\(", dataset._repr_html_()) == []


def test_names_are_escaped_and_missing_images_named(tmp_path):
    example = Example("a", tmp_path / f"{HOSTILE[8:16]}.jpg", 10, 10, (LabelledBox(HOSTILE, Box(0, 0, 5, 5)),))
    data = Dataset((example,), (), Labels((HOSTILE,)), (f"left out: {HOSTILE}",), HOSTILE)
    html = data._repr_html_()
    assert "<script" not in html and html.count("</style>") == 1
    assert "cannot be shown" in html


def test_many_images_and_classes_are_cut(tmp_path):
    names = tuple(f"class {i}" for i in range(30))
    boxes = tuple(LabelledBox(name, Box(0, 0, 5, 5)) for name in names)
    examples = tuple(Example(str(i), tmp_path / f"{i}.jpg", 10, 10, boxes) for i in range(40))
    html = Dataset(examples, (), Labels(names), (), "many")._repr_html_()
    assert html.count("cannot be shown") == 12 and "10 more classes" in html
