from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from runtime.common.errors import InputError
from runtime.common.values import Box, Labels
from tests.support import format_samples as make
from tests.support.format_samples import samples
from train import open_dataset
from train.dataset.formats import yolo

LINE = "0 0.265625 0.34375 0.40625 0.4791666666666667\n"


def ultralytics(folder: Path, yaml: str, parts: tuple[str, ...] = ("train", "val")) -> Path:
    """`images/PART` and `labels/PART` with two images each, and data.yaml."""
    for part in parts:
        for kind in ("images", "labels"):
            (folder / kind / part).mkdir(parents=True)
        for index in range(2):
            (folder / "images" / part / f"{part}{index}.jpg").write_bytes(make.image(index + 100 * parts.index(part)))
            (folder / "labels" / part / f"{part}{index}.txt").write_text(LINE)
    (folder / "data.yaml").write_text(yaml)
    return folder


@pytest.mark.parametrize(
    "yaml",
    [
        "train: images/train\nval: images/val\nnames: [cat]\n",
        "path: .\ntrain: images/train\nval: [images/val]\nnames:\n  0: cat\n",
        "path: ../datasets/mine  # where it was\ntrain: images/train/\nval: images/val\nnc: 1\nnames: ['cat']\n",
        "train: /content/datasets/mine/images/train\nval: /content/datasets/mine/images/val\nnames: [cat]\n",
        "train: ../images/train\nval: ../images/val\nnames: [cat]\n",
        "train: train.txt\nval: val.txt\nnames: [cat]\n",
        "train: C:\\data\\mine\\images\\train\nval: C:\\data\\mine\\images\\val\nnames: [cat]\n",
    ],
)
def test_ways_to_say_where_the_images_are(tmp_path, yaml):
    folder = ultralytics(tmp_path / "data", yaml)
    for part in ("train", "val"):
        (folder / f"{part}.txt").write_text("".join(f"./images/{part}/{part}{i}.jpg\n" for i in range(2)))
    dataset = open_dataset(folder)
    assert [e.id for e in dataset.train] == ["train0", "train1"]
    assert [e.id for e in dataset.validation] == ["val0", "val1"]
    assert dataset.train[0].boxes[0].box == Box(4, 5, 30, 28)
    assert dataset.labels == Labels(("cat",))


def test_missing_splits(tmp_path):
    folder = ultralytics(tmp_path / "data", "train: images/train\nval: images/val\ntest: images/test\nnames: [cat]\n")
    assert open_dataset(folder).problems == (
        "data.yaml: its test, 'images/test', is no folder or list of images in the data set",
    )
    shutil.rmtree(folder / "images/val")
    shutil.rmtree(folder / "labels/val")
    splits = yolo.read(folder)
    assert splits.validation is None and len(splits.train) == 2


@pytest.mark.parametrize("names", ["[no, 007, 1.50, on, 'dog']", "{1: 007, 0: no, 2: 1.50, 3: on, 4: dog}"])
def test_names_are_kept_as_they_are_written(tmp_path, names):
    folder = ultralytics(tmp_path / "data", f"train: images/train\nval: images/val\nnames: {names}\n")
    lines = "".join(LINE.replace("0", str(number), 1) for number in range(5))
    (folder / "labels/train/train0.txt").write_text(lines)
    assert open_dataset(folder).labels == Labels(("no", "007", "1.50", "on", "dog"))


def darknet(folder: Path) -> Path:
    """As CVAT exports it."""
    (folder / "obj_train_data").mkdir(parents=True)
    for index in range(3):
        (folder / f"obj_train_data/p{index}.jpg").write_bytes(make.image(index))
        (folder / f"obj_train_data/p{index}.txt").write_text(LINE)
    (folder / "obj.names").write_text("cat\ndog\n")
    (folder / "obj.data").write_text(
        "classes = 2\ntrain = data/train.txt\nvalid = data/valid.txt\nnames = data/obj.names\nbackup = backup/\n"
    )
    (folder / "train.txt").write_text("data/obj_train_data/p0.jpg\ndata/obj_train_data/p1.jpg\n")
    (folder / "valid.txt").write_text("data/obj_train_data/p2.jpg\n")
    return folder


def test_darknet(tmp_path):
    dataset = open_dataset(darknet(tmp_path / "data"))
    assert ([e.id for e in dataset.train], [e.id for e in dataset.validation]) == (["p0", "p1"], ["p2"])
    assert dataset.labels == Labels(("cat",))


def test_a_listed_image_that_is_missing(tmp_path):
    folder = darknet(tmp_path / "data")
    with (folder / "train.txt").open("a") as file:
        file.write("data/obj_train_data/gone.jpg\n")
    with pytest.raises(InputError, match=r"train.txt: line 3: its image is missing: no 'data/obj_train_data/gone.jpg'"):
        open_dataset(folder, allow_bad=0)
    assert len(open_dataset(folder).train) == 2


def test_darknet_without_its_description(tmp_path):
    folder = darknet(tmp_path / "data")
    (folder / "obj.data").unlink()
    assert len(open_dataset(folder).validation) == 1
    (folder / "valid.txt").unlink()
    (folder / "train.txt").unlink()
    splits = yolo.read(folder)
    assert len(splits.train) == 3 and splits.validation is None


@pytest.mark.parametrize("name", ["classes.txt", "_darknet.labels"])
def test_labels_beside_the_images_in_folders_of_their_splits(tmp_path, name):
    """As LabelImg and Roboflow write them."""
    for part in ("train", "valid"):
        (tmp_path / part).mkdir()
        for index in range(2):
            (tmp_path / part / f"{part}{index}.jpg").write_bytes(make.image(index))
            (tmp_path / part / f"{part}{index}.txt").write_text(LINE)
        (tmp_path / part / name).write_text("cat\ndog\n")
    splits = yolo.read(tmp_path)
    assert ([e.id for e in splits.train], [e.id for e in splits.validation]) == (
        ["train0", "train1"],
        ["valid0", "valid1"],
    )


def test_lines(tmp_path):
    folder = ultralytics(tmp_path / "data", "train: images/train\nval: images/val\nnames: [cat]\n")
    polygon = "0 0.25 0.25 0.5 0.125 0.75 0.5 0.5 0.75\n"
    (folder / "labels/train/train0.txt").write_text(f"{LINE}\n{polygon}0.0 0.5 0.5 1 1\n")
    (folder / "labels/train/train1.txt").unlink()
    first, second = yolo.read(folder).train
    assert [item.box for item in first.boxes] == [Box(4, 5, 30, 28), Box(16, 6, 48, 36), Box(0, 0, 64, 48)]
    assert second.boxes == () and "1 of 4 images" in yolo.read(folder).problems[0]


def test_key_points_after_the_box(tmp_path):
    folder = ultralytics(tmp_path / "data", "train: images/train\nval: images/val\nkpt_shape: [2, 3]\nnames: [cat]\n")
    (folder / "labels/train/train0.txt").write_text(LINE.strip() + " 0.9 0.9 2 0.1 0.1 2\n")
    assert yolo.read(folder).train[0].boxes[0].box == Box(4, 5, 30, 28)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1 0.5 0.5 0.1 0.1", "line 2 has the class 1, but data.yaml names 1, numbered from 0"),
        ("-1 0.5 0.5 0.1 0.1", "line 2 has '-1' for a class number"),
        ("dog 0.5 0.5 0.1 0.1", "line 2 has the class 'dog', which data.yaml does not name"),
        ("0 0.5 0.5 0.1 cat", "line 2 has 'cat', which is not a number"),
        ("0 0.5 0.5 0.1", "line 2 has 4 numbers"),
        ("0 0.5 0.5 0.1 0.1 0.5 0.5 0.5", "line 2 has 8 numbers"),
        ("0 nan 0.5 0.1 0.1", "line 2 has xmin=nan"),
        ("0 0.5 0.5 0 0.1", r"line 2 has no area \(width=0 height=0.1\)"),
        ("0 1.5 0.5 0.1 0.1", "line 2 starts at x=92.8, but images/train/train0.jpg is 64 wide"),
    ],
)
def test_what_is_wrong_in_a_line_is_named(tmp_path, line, message):
    folder = ultralytics(tmp_path / "data", "train: images/train\nval: images/val\nnames: [cat]\n")
    (folder / "labels/train/train0.txt").write_text(f"{LINE}{line}\n")
    assert any(re.match(f"labels/train/train0.txt: {message}", problem) for problem in open_dataset(folder).problems)


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("train: images/train\nval: images/val\nnames: {cat: a}\n", "keys of its names are not whole numbers"),
        ("train: images/train\nval: images/val\nnames: 3\n", "no list of class names"),
        ("train: {a: b}\nnames: [cat]\n", "its train is no path"),
        ("names: [cat\ntrain: images", "data.yaml: not YAML"),
        ("a: &a [[cat]]\nnames: *a\n", "not YAML: it has aliases of nested data, which are refused"),
        ("train: images/train\nnames: " + "[" * 5000, "not YAML"),
    ],
)
def test_what_is_wrong_in_the_description_is_named(tmp_path, yaml, message):
    folder = ultralytics(tmp_path / "x/data", yaml)
    with pytest.raises(InputError, match=message):
        open_dataset(folder, format="yolo")


@pytest.mark.parametrize(
    ("yaml", "note"),
    [
        ("train: images/train\nval: images/val\nnc: 3\nnames: [cat]\n", "data.yaml: says 3 classes, but there are 1 names"),
        ("train: images/elsewhere\nval: images/val\nnames: [cat]\n", "its train, 'images/elsewhere', is no folder"),
        ("train: ../../secret\nval: images/val\nnames: [cat]\n", "its train, '../../secret', is no folder"),
        ("val: images/val\nnames: [cat]\n", ""),
        ("train: images/train\nnames: [cat]\n", ""),
        ("names: [cat]\n", ""),
        ("t: &t images/train\ntrain: *t\nval: [images/val]\nnames: [cat]\n", ""),
        ("train: images/train\nval: images/val\nnames: {cat: 0}\n", ""),
        ("train: images/train\nval: images/val\nnames: 'cat, dog'\n", "no box to train on of 'dog'"),
        ("train: images/train\nval: images/val\nnames: \"['cat']\"\n", ""),
        ("train: images/train/*.jpg\nval: images/val\nnames: [{0: cat}]\n", ""),
        ("train: images/train\nval: images/val\nnames: {0: cat, 2: dog}\n", "its names skip the numbers 1"),
    ],
)
def test_descriptions_that_say_little_or_more_than_there_is(tmp_path, yaml, note):
    """The folders say which images are for training; nothing outside of the data set is read."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/a.jpg").write_bytes(make.image())
    dataset = open_dataset(ultralytics(tmp_path / "x/data", yaml))
    assert [e.id for e in dataset.train] == ["train0", "train1"]
    assert [e.id for e in dataset.validation] == ["val0", "val1"]
    assert dataset.labels == Labels(("cat",))
    assert any(note in line for line in dataset.problems) if note else dataset.problems == ()


def test_aliases_cannot_grow(tmp_path):
    """Nine lists of nine of the one before: a billion names."""
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    folder = ultralytics(tmp_path / "data", "\n".join([*lines, "names: *a9", "train: images/train"]))
    with pytest.raises(InputError, match="aliases"):
        open_dataset(folder)


def test_yaml_tags_run_nothing(tmp_path):
    yaml = f"train: images/train\nval: images/val\nnames: !!python/object/apply:os.mkdir ['{tmp_path}/made']\n"
    open_dataset(ultralytics(tmp_path / "data", yaml))
    assert not (tmp_path / "made").exists()


def test_a_description_too_large_is_refused(tmp_path):
    folder = ultralytics(tmp_path / "data", "names: [cat]\n" + "#" * (600 << 10))
    with pytest.raises(InputError, match="more than a description of a data set can have"):
        open_dataset(folder, format="yolo")


def test_classes_beside_voc_annotations_are_no_yolo_data(tmp_path):
    folder = make.write("pascal_voc", tmp_path / "data", samples(3))
    (folder / "train/classes.txt").write_text("cat\n")
    assert len(open_dataset(folder).train) == 2
