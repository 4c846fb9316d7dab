from __future__ import annotations

import pytest

from tests.support.layouts import LINE, parts, write
from train.dataset.formats import yolo


def data(images: dict[str, list[str]], yaml: str = "names: [cat]\n") -> dict:
    """Images in folders, each with its label file beside it."""
    files = {"data.yaml": yaml}
    for folder, names in images.items():
        for name in names:
            files |= {f"{folder}/{name}.jpg": "", f"{folder}/{name}.txt": LINE}
    return files


TWO = {"my/train/images": ["a", "b"], "my/valid/images": ["c"]}
PATHS = {
    "roboflow": "train: ../train/images\nval: ../valid/images\n",
    "colab": "train: /content/drive/MyDrive/my/train/images\nval: /content/drive/MyDrive/my/valid/images\n",
    "windows": "train: C:\\Users\\me\\my\\train\\images\nval: 'D:\\my\\valid\\images'\n",
    "cloud": "train: gs://bucket/my/train/images/\nval: gs://bucket/my/valid/images/\n",
    "url": "train: file:///home/me/my/train%2Fimages\nval: file:///home/me/my%2Fvalid/images\n",
    "ambiguous ends": "train: /data/images\nval: /data/other/images\n",
    "path": "path: /root/datasets/my\ntrain: train/images\nval: valid/images\n",
    "another name": "train: /x/training_data\nval: /x/valid/images\n",
    "val is missing": "train: ../train/images\n",
    "nothing is there": "train: /x/one\nval: /x/two\n",
    "lists of folders": "train: [/x/train/images]\nval: [/x/valid/images]\n",
}


@pytest.mark.parametrize("case", PATHS)
def test_paths_of_other_machines(tmp_path, case):
    splits = yolo.read(write(tmp_path, data(TWO, PATHS[case] + "names: [cat]\n")))
    assert parts(splits) == (["a", "b"], ["c"])


def test_a_folder_that_may_be_two(tmp_path):
    images = {"one/pics": ["a", "b"], "two/pics": ["c"]}
    splits = yolo.read(write(tmp_path, data(images, "train: /x/pics\nnames: [cat]\n")))
    assert parts(splits) == (["a", "b", "c"], [])
    assert any("its train, '/x/pics', may be one/pics or two/pics; write which one into it" in line for line in splits.problems)


def test_validation_within_training(tmp_path):
    images = {"images": ["a", "b"], "images/val": ["c"]}
    splits = yolo.read(write(tmp_path, data(images, "train: images\nval: images/val\nnames: [cat]\n")))
    assert parts(splits) == (["a", "b"], ["c"])
    assert any("kept out of the training part" in line for line in splits.problems)


def test_validation_that_is_training(tmp_path):
    yaml = "path: ../datasets/coco128\ntrain: images/train2017\nval: images/train2017\nnames: [cat]\n"
    splits = yolo.read(write(tmp_path, data({"images/train2017": ["a", "b", "c"]}, yaml)))
    assert parts(splits) == (["a", "b", "c"], [])
    assert any("has the same images as the training part, 3" in line for line in splits.problems)


def test_lists_of_absolute_paths(tmp_path):
    files = data({"images": ["a", "b", "c"]}, "train: /home/me/my/train.txt\nval: /home/me/my/val.txt\nnames: [cat]\n")
    files |= {"train.txt": "/home/me/my/images/a.jpg\n/home/me/my/images/b.jpg\n", "val.txt": "./images/c.jpg\n"}
    assert parts(yolo.read(write(tmp_path, files))) == (["a", "b"], ["c"])


@pytest.mark.parametrize("held_out", ["valid", "validation", "val", "dev", "eval", "test", "holdout"])
def test_names_of_parts(tmp_path, held_out):
    splits = yolo.read(write(tmp_path, data({"train": ["a", "b"], held_out: ["c"]})))
    assert parts(splits) == (["a", "b"], ["c"])


def test_a_part_that_the_description_leaves_out_is_told(tmp_path):
    images = {"train": ["a", "b"], "val": ["c"], "extra": ["d", "e"]}
    splits = yolo.read(write(tmp_path, data(images, "train: train\nval: val\nnames: [cat]\n")))
    assert parts(splits) == (["a", "b"], ["c"])
    assert splits.problems == ("not used, because the description does not name their images: 2 label files",)


def test_an_unlabelled_validation_part_is_left_out(tmp_path):
    files = data({"train": ["a", "b"]}, "train: train\nval: val\nnames: [cat]\n") | {"val/c.jpg": "", "val/d.jpg": ""}
    splits = yolo.read(write(tmp_path, files))
    assert parts(splits) == (["a", "b"], [])
    assert splits.problems == ("left out, because not one image of the validation part has labels: 2 images (c.jpg)",)


@pytest.mark.parametrize("name", ["val.txt", "valid.txt", "ImageSets/test.txt"])
def test_a_list_of_what_to_validate_on_alone(tmp_path, name):
    files = data({"images": ["a", "b", "c"]}) | {name: "c\n"}
    del files["data.yaml"]
    assert parts(yolo.read(write(tmp_path, files | {"classes.txt": "cat\n"}))) == (["a", "b"], ["c"])
