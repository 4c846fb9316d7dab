from __future__ import annotations

import json
from pathlib import Path

import pytest

from runtime.common.errors import InputError
from runtime.common.values import Box, Labels
from tests.support import format_samples as make
from tests.support.format_samples import Sample, samples
from train import open_dataset
from train.dataset.formats import coco


@pytest.fixture
def folder(tmp_path) -> Path:
    return make.write("coco", tmp_path / "data", samples(4, 1))


def edit(folder: Path, change) -> dict:
    path = folder / "train/_annotations.coco.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    return data


def official(tmp_path: Path) -> Path:
    """As COCO is when it is unpacked: images by part, three kinds of annotations in one folder."""
    folder = make.write("coco", tmp_path / "export", samples(5, 2))
    (folder / "annotations").mkdir()
    for part, name in (("train", "train2017"), ("valid", "val2017")):
        found = folder / part / "_annotations.coco.json"
        found.rename(folder / f"annotations/instances_{name}.json")
        data = json.loads((folder / f"annotations/instances_{name}.json").read_text())
        for kind in ("captions", "person_keypoints"):
            (folder / f"annotations/{kind}_{name}.json").write_text(json.dumps(data))
        (folder / part).rename(folder / name)
    return folder


def test_annotations_in_a_hidden_file_are_read(folder):
    (folder / "train/_annotations.coco.json").rename(folder / "train/.annotations.coco.json")
    (folder / "train/._annotations.coco.json").write_bytes(b"a resource fork")
    assert len(coco.read(folder).train) == 3


def test_official_layout(tmp_path):
    dataset = open_dataset(official(tmp_path))
    assert [e.id for e in dataset.train] == ["p0", "p1", "p2"]
    assert [e.id for e in dataset.validation] == ["p3", "p4"]
    assert dataset.train[0].image.parent.name == "train2017"


def test_one_file_and_images_elsewhere_with_the_same_names_in_both_splits(tmp_path):
    """An image is searched in its own split first, then near the file."""
    folder = tmp_path / "data"
    for part in ("train", "val"):
        make.write("coco", tmp_path / part, samples(2))
        (folder / "images" / part).mkdir(parents=True)
        for index in range(2):
            (tmp_path / part / f"train/p{index}.jpg").rename(folder / "images" / part / f"p{index}.jpg")
        (folder / "annotations").mkdir(exist_ok=True)
        (tmp_path / part / "train/_annotations.coco.json").rename(folder / f"annotations/{part}.json")
    splits = coco.read(folder)
    assert [e.id for e in splits.train] == ["images/train/p0", "images/train/p1"]
    assert [e.image.parent.name for e in splits.validation] == ["val", "val"]


def test_classes_in_the_order_of_their_ids(tmp_path):
    images = [make.Sample("a.jpg", "train", (("zebra", 1, 1, 9, 9), ("ant", 1, 1, 9, 9)), data=make.image(9))]
    folder = make.write("coco", tmp_path / "data", [*images, *samples(3)], ["zebra", "ant", "cat"])
    assert open_dataset(folder).labels == Labels(("zebra", "ant", "cat"))
    edit(folder, lambda data: data["categories"].reverse())
    assert open_dataset(folder).labels == Labels(("zebra", "ant", "cat"))


def test_a_group_that_has_boxes_is_a_class(folder):
    """Roboflow's class 0 counts only where somebody used it."""
    edit(folder, lambda data: data["annotations"][0].update(category_id=0))
    assert open_dataset(folder).labels == Labels(("things", "cat"))


def test_crowds_are_left_out(folder):
    def change(data):
        data["annotations"][0]["iscrowd"] = 1
        data["annotations"].append({**data["annotations"][1], "iscrowd": 1})

    edit(folder, change)
    splits = coco.read(folder)
    # An image of nothing but a crowd is no background.
    assert [(e.id, len(e.boxes)) for e in splits.train] == [("p1", 1), ("p2", 1)]
    assert "2 boxes around crowds" in splits.problems[0]


def test_outlines_are_not_kept(folder):
    polygon = [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]
    edit(folder, lambda data: [item.update(segmentation=polygon) for item in data["annotations"]])
    assert coco.read(folder).train[0].boxes[0].box == Box(4, 5, 30, 28)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.pop("images"), "no list 'images'"),
        (lambda data: data.update(annotations={}), "no list 'annotations'"),
        (
            lambda data: data["categories"].append({"id": 1, "name": "dog"}),
            r"has the category_id 1, and categories\[2\] gives|categories\[2\] gives the id the name 'dog', another 'cat'",
        ),
        (lambda data: data["categories"][1].update(name=" ", supercategory=""), r"annotations\[0\] has the category_id 1, and .*categories\[1\] has no name"),
        (
            lambda data: data["annotations"][1].update(category_id=7),
            r"annotations\[1\] has the category_id 7, which none",
        ),
        (lambda data: data["annotations"][1].update(category_id=None), r"annotations\[1\] has the category_id None"),
        (
            lambda data: data["annotations"][1].update(image_id=70),
            r"annotations\[1\] has the image_id 70, which no image",
        ),
        (lambda data: data["annotations"][1].update(bbox=[1, 2]), r"annotations\[1\] has no bbox of four numbers"),
        (lambda data: data["annotations"][1].update(bbox=[1, 2, "three", 4]), r"annotations\[1\] has the bbox"),
        (lambda data: data["annotations"][1].update(bbox=[1, 2, 1e300, 4]), r"annotations\[1\] has the bbox"),
        (lambda data: data["images"][1].update(file_name=7), r"images\[1\]: has no file_name"),
        (lambda data: data["images"][1].update(id=0), r"images\[0\]: another image has the id 0 too"),
    ],
)
def test_what_is_wrong_is_named(folder, change, message):
    edit(folder, change)
    with pytest.raises(InputError, match=message):
        open_dataset(folder, allow_bad=0)


def test_sizes_may_be_missing(folder):
    edit(folder, lambda data: [image.pop("width") and image.pop("height") for image in data["images"]])
    assert (coco.read(folder).train[0].width, coco.read(folder).train[0].height) == (64, 48)


@pytest.mark.parametrize("written", ["C:\\data\\train\\p0.jpg", "/upload/train/p0.jpg", "../train/p0.jpg", "p0.png"])
def test_paths_of_another_machine(folder, written):
    edit(folder, lambda data: data["images"][0].update(file_name=written))
    assert coco.read(folder).train[0].image == folder / "train/p0.jpg"


def test_no_path_leads_out_of_the_folder(folder, tmp_path):
    (tmp_path / "secret.jpg").write_bytes(make.image())
    for written in ("../../secret.jpg", str(tmp_path / "secret.jpg")):
        edit(folder, lambda data, written=written: data["images"][0].update(file_name=written))
        with pytest.raises(InputError, match=r"images\[0\]: its image is missing: no '.*secret"):
            open_dataset(folder, allow_bad=0)


def test_deep_nesting_and_long_numbers_are_one_line(folder):
    for text in ("[" * 100_000, '{"images": [' + "9" * 10_000 + "]}"):
        (folder / "train/_annotations.coco.json").write_text(text)
        with pytest.raises(InputError, match=r"_annotations.coco.json: not JSON"):
            open_dataset(folder)


def test_a_file_too_large_for_the_memory_is_refused(folder, monkeypatch):
    monkeypatch.setattr("train.files.untrusted_json.MAX_BYTES", 100)
    with pytest.raises(InputError, match=r"_annotations.coco.json: has 0.0 MB, more than"):
        open_dataset(folder)


def test_coco_val(shared):
    dataset = open_dataset(shared / "data/coco_val206")
    boxes = sum(len(example.boxes) for example in dataset.train + dataset.validation)
    assert (len(dataset.train + dataset.validation), boxes) == (206, 1786 - 21)
    assert dataset.labels.names[:3] == ("person", "bicycle", "car")


@pytest.mark.parametrize("change", [lambda data: data.update(annotations=[]), lambda data: data.pop("annotations")])
def test_a_test_part_without_annotations_is_not_measured(tmp_path, change):
    """As COCO's own image_info_test2017.json."""
    make.write("coco", tmp_path, [*samples(4), Sample("t0.jpg", "test", (make.BOX,), data=make.image(9))])
    (source,) = (path for path in tmp_path.rglob("*.json") if "test" in str(path.relative_to(tmp_path)))
    data = json.loads(source.read_text())
    change(data)
    source.write_text(json.dumps(data))
    splits = coco.read(tmp_path)
    assert len(splits.train) == 4 and splits.validation is None and splits.test == ()
    assert "not one image of the test part has labels: 1 image" in splits.problems[0]


def test_files_that_call_the_same_boxes_otherwise_are_not_put_together(folder):
    """As a list of all images beside a file for each, of which one was written with an older name."""
    data = json.loads((folder / "train/_annotations.coco.json").read_text())
    data["categories"] = [{**row, "name": f"old {row['name']}"} for row in data["categories"]]
    (folder / "train/old.json").write_text(json.dumps(data))
    with pytest.raises(InputError, match=r"have the same boxes of the same images, and call them 'cat' and 'old cat'"):
        coco.read(folder)
    # Another class of the same images.
    for row in data["annotations"]:
        row["bbox"] = [1, 1, 9, 9]
    (folder / "train/old.json").write_text(json.dumps(data))
    assert [box.label for box in coco.read(folder).train[0].boxes] == ["cat", "old cat"]
