"""Formats that are not read are named, with what to do."""

from __future__ import annotations

import pytest

from runtime.common.errors import InputError
from tests.support import format_samples as make
from tests.support.layouts import LINE, write
from tests.support.tool_exports.benchmarks import UNREAD
from train import open_dataset
from train.dataset import other_tools


@pytest.mark.parametrize("tool", UNREAD)
def test_formats_that_are_not_read_are_named(tmp_path, tool):
    UNREAD[tool](tmp_path)
    with pytest.raises(InputError, match=rf"\.txt: has the lines of {tool} .*, which are not read: (convert|save) ") as error:
        open_dataset(tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("line", ["0 0.5 0.5 0.2 0.2", "0,0.5,0.5,0.2,0.2", "0,10,20,30,40", "0,1,2,3,4,5", "a.jpg 1,2,3,4,0", "notes"])
def test_other_text_is_none_of_them(tmp_path, line):
    make.write("pascal_voc", tmp_path / "data", make.samples(2))
    (tmp_path / "data/a.txt").write_text(f"{line}\n" * 2)
    assert other_tools.advice(tmp_path / "data") == ""


def test_boxes_of_a_tracked_object_are_named(tmp_path):
    write(tmp_path, {"groundtruth_rect.txt": "12,8,30,20\n13,8,30,20\n", "Dudek/0001.jpg": "", "Dudek/0002.jpg": ""})
    with pytest.raises(InputError, match=r"groundtruth_rect\.txt: has the lines of a tracking benchmark .*convert"):
        open_dataset(tmp_path)


@pytest.mark.parametrize("table", ["image,cat,dog\na.jpg,0,1\n", "image;cat;dog\nx/a.jpg;1;0\n", "picture,what\na.jpg,cat\n"])
def test_a_table_of_classes_without_boxes_is_named(tmp_path, table):
    write(tmp_path, {"annotations.csv": table, "a.jpg": ""})
    assert "annotations.csv: says what is in an image, and not where" in other_tools.classes_alone(tmp_path)
    with pytest.raises(InputError, match=r"annotations\.csv: says what is in an image.*edk label"):
        open_dataset(tmp_path)


def test_a_table_beside_labels_is_none_of_them(tmp_path):
    files = {"classes.txt": "cat\n", "weather.csv": "image,weather\np0.jpg,rain\n"}
    files |= {f"p{i}.jpg": "" for i in range(3)} | {f"p{i}.txt": LINE for i in range(3)}
    assert open_dataset(write(tmp_path, files)).format == "yolo"


NOTHING = {
    "images alone": ({"a.jpg": "", "x/b.jpg": ""}, r"but 2 without labels; .* in the browser with: "),
    "a description alone": (
        {"dataset.yaml": "path: C:/me/data\ntrain: train/images\nval: val/images\nnames:\n  0: water\n", "runs/labels.jpg": ""},
        r"dataset\.yaml describes images and labels of YOLO, but not one label file .*\(1 image\): put the folders",
    ),
    "other files": ({"a.json": {"what": 1}, "b.txt": "text", "a.jpg": ""}, r"\(coco, csv, .*\), but 1 image, 1 \.json, 1 \.txt; give the folder"),
    "nothing": ({"notes.md": "text"}, r", but no images; give the folder that holds both"),
}


@pytest.mark.parametrize("case", NOTHING)
def test_a_folder_that_is_no_data_set_is_described(tmp_path, case):
    files, message = NOTHING[case]
    with pytest.raises(InputError, match=message) as error:
        open_dataset(write(tmp_path, files))
    assert "\n" not in str(error.value)
