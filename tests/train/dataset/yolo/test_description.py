from __future__ import annotations

import pytest

from tests.support.layouts import LINE, boxes, parts, write
from train.dataset.formats import yolo


def data(descriptions: dict[str, str], top: str = "") -> dict:
    files = dict(descriptions)
    for part in ("train", "val"):
        for index in range(2):
            files |= {f"{top}images/{part}/{part}{index}.jpg": "", f"{top}labels/{part}/{part}{index}.txt": LINE}
    return files


USUAL = "train: images/train\nval: images/val\nnames: [cat, dog]\n"
OTHERS = {
    "model": ("yolov5s.yaml", "nc: 80\nanchors: [1]\nbackbone: [[-1, 1, Conv]]\nhead: []\n"),
    "hyperparameters": ("hyp.yaml", "lr0: 0.01\nmomentum: 0.9\n"),
    "arguments": ("runs/args.yaml", "task: detect\nmodel: yolov8n.pt\ndata: data.yaml\n"),
    "workflow": ("mkdocs.yml", "site_name: names and train\nnav: []\n"),
    "broken": ("notes.yml", "names: [a\n"),
    "same": ("data_old.yaml", USUAL),
    "path": ("other/coco.yaml", "path: /data\nnames: {0: cat, 1: dog}\n"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_other_yaml_files(tmp_path, other):
    name, text = OTHERS[other]
    splits = yolo.read(write(tmp_path, data({"data.yaml": USUAL, name: text})))
    assert parts(splits) == (["train0", "train1"], ["val0", "val1"]) and splits.labels == ("cat", "dog")
    assert all(name in line for line in splits.problems)


def test_a_description_that_is_not_used_is_told(tmp_path):
    splits = yolo.read(write(tmp_path, data({"data.yaml": USUAL, "data_old.yaml": USUAL.replace("cat, dog", "dog, cat")})))
    assert boxes(splits)["train0"][0][0] == "cat"
    assert splits.problems == ("data_old.yaml: not used; data.yaml names the classes, and not as they do",)


def test_a_description_beside_those_of_a_cloned_repository(tmp_path):
    """Only one of them says where images are that are there."""
    others = {f"data/{name}.yaml": f"path: ../datasets/{name}\ntrain: {name}/x\nnames: [a, b]\n" for name in ("coco", "voc", "xview", "data")}
    splits = yolo.read(write(tmp_path, data({**others, "data/mine.yaml": USUAL})))
    assert splits.labels == ("cat", "dog") and parts(splits) == (["train0", "train1"], ["val0", "val1"])
    assert splits.problems == (
        "data/data.yaml, data/coco.yaml, data/voc.yaml and 1 more: not used; data/mine.yaml names the classes, and not as"
        " they do",
    )


def test_two_descriptions_that_contradict_each_other(tmp_path):
    files = {"fruit.yaml": USUAL, "fruit_new.yaml": USUAL.replace("cat, dog", "dog, cat")}
    with pytest.raises(yolo.InputError, match=r"fruit.yaml and fruit_new.yaml name different classes, and nothing says which"):
        yolo.read(write(tmp_path, data(files)))


def test_two_data_sets_beside_each_other(tmp_path):
    """Each has its own order of classes."""
    files = data({"a/data.yaml": USUAL}, "a/")
    files |= {f"b/images/{part}/b{i}.jpg": "" for part in ("train", "val") for i in range(2)}
    files |= {f"b/labels/{part}/b{i}.txt": LINE for part in ("train", "val") for i in range(2)}
    files["b/data.yaml"] = USUAL.replace("cat, dog", "dog, cat")
    found = boxes(yolo.read(write(tmp_path, files)))
    assert {id: item[0][0] for id, item in found.items() if "train" in id} == {
        "a/images/train/train0": "cat",
        "a/images/train/train1": "cat",
        "b/images/train/b0": "dog",
        "b/images/train/b1": "dog",
    }


@pytest.mark.parametrize("names", ["nc: 2\n", "nc: 2\nnames:\n", "", "names: []\n"])
def test_without_names(tmp_path, names):
    files = data({"data.yaml": f"train: images/train\nval: images/val\n{names}"})
    splits = yolo.read(write(tmp_path / "a", files))
    assert boxes(splits)["val0"][0][0] == "class_0" and splits.labels == ("class_0",)
    assert splits.problems == (
        "data.yaml: has no names for its classes: they are called class_0, class_1 and so on; write names: [...] into it",
    )
    splits = yolo.read(write(tmp_path / "b", files | {"classes.txt": "cat\ndog\n"}))
    assert splits.labels == ("cat", "dog") and splits.problems == ()


def test_names_in_a_file(tmp_path):
    files = data({"data.yaml": USUAL.replace("[cat, dog]", "/content/data/coco.names"), "cfg/coco.names": "cat\ndog\n"})
    assert yolo.read(write(tmp_path, files)).labels == ("cat", "dog")


@pytest.mark.parametrize("valid", ["valid", "val", "test"])
def test_darknet(tmp_path, valid):
    files = {"cfg/obj.data": f"classes= 2\ntrain  = /home/me/darknet/data/train.txt\n{valid}=data/v.txt\nnames = data\\obj.names\n"}
    files |= {"cfg/obj.names": "cat\ndog\n", "train.txt": "C:\\yolo\\img\\t0.jpg\nC:\\yolo\\img\\t1.jpg\n"}
    files |= {"v.txt": "/darknet/data/img/v0.jpg\r\n\r\n"}
    files |= {f"img/{name}.jpg": "" for name in ("t0", "t1", "v0")} | {f"img/{name}.txt": LINE for name in ("t0", "t1", "v0")}
    splits = yolo.read(write(tmp_path, files))
    assert parts(splits) == (["t0", "t1"], ["v0"]) and splits.problems == ()
