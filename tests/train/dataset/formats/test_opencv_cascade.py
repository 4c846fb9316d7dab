"""Lists of positives and of background, as OpenCV's cascades are trained on."""

from __future__ import annotations

import pytest

from runtime.common.errors import InputError
from tests.support.layouts import boxes, write
from train import open_dataset
from train.dataset.formats import opencv_cascade

IMAGES = {f"positive/p{index}.jpg": "" for index in range(4)} | {"negative/n.jpg": ""}
LINES = "".join(f"positive/p{index}.jpg  1  4 5 26 23\n" for index in range(3)) + "positive/p3.jpg\t2\t4 5 26 23 10 10 20 20\n"


@pytest.mark.parametrize("name", ["positives.txt", "info.dat", "annotations.info"])
def test_positives_and_background(tmp_path, name):
    folder = write(tmp_path, {**IMAGES, name: LINES, "bg.txt": "negative/n.jpg\n../elsewhere/other.jpg\n"})
    dataset = open_dataset(folder)
    assert dataset.format == "opencv_cascade" and len(dataset.train + dataset.validation) == 5
    found = boxes(opencv_cascade.read(folder))
    assert found["p3"] == [("object", 4, 5, 30, 28), ("object", 10, 10, 30, 30)]
    assert found["n"] == [] and found["p0"] == [("object", 4, 5, 30, 28)]


def test_a_line_with_another_number_of_boxes_is_named(tmp_path):
    folder = write(tmp_path, {**IMAGES, "info.dat": LINES + "positive/p3.jpg 2 4 5 26 23\n"})
    assert any("info.dat: line 5 is not" in line for line in opencv_cascade.read(folder).problems)


@pytest.mark.parametrize("text", ["a.jpg 0\n", "a.jpg 1 2 3\n", "a.jpg\n", "a.jpg 1,2,3,4,0\n"])
def test_other_lists_are_none(tmp_path, text):
    folder = write(tmp_path, {"train.txt": text, "a.jpg": ""})
    assert opencv_cascade.score(folder) is None
    with pytest.raises(InputError, match="no list with lines"):
        opencv_cascade.read(folder)
