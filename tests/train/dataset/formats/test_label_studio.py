from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tests.support.layouts import boxes, parts, write
from train.dataset import formats
from train.dataset.formats import label_studio

# (4, 5, 30, 28) of 64 x 48 in percent.
VALUE = {"x": 6.25, "y": 5 / 0.48, "width": 40.625, "height": 23 / 0.48, "rotation": 0}
BOX = (4.0, 5.0, 30.0, 28.0)


def region(value: dict = VALUE, label: str = "cat", kind: str = "rectanglelabels", id: str = "r1") -> dict:
    size = {"original_width": 64, "original_height": 48, "image_rotation": 0}
    return {"id": id, "type": kind, "from_name": "label", "to_name": "image", "value": {**value, kind: [label]}, **size}


def task(image: str = "a.jpg", *results: list, **more) -> dict:
    annotations = [{"id": 1, "result": result, "was_cancelled": False, "ground_truth": False} for result in results]
    return {"id": 7, "data": {"image": image}, "annotations": annotations, "predictions": [], **more}


@pytest.mark.parametrize(
    "image",
    [
        "a.jpg",
        "/data/upload/3/0a1b2c3d-a.jpg",
        "/data/local-files/?d=shots%2Fa.jpg",
        "s3://bucket/shots/a.jpg",
        "https://host/shots/a.jpg?X-Amz-Signature=1",
        "http://localhost:8080/data/upload/0a1b2c3d-a.jpg",
    ],
)
def test_ways_to_name_an_image(tmp_path, image):
    folder = write(tmp_path, {"export.json": [task(image, [region()])], "images/a.jpg": ""})
    assert label_studio.score(folder).images == 1
    assert boxes(label_studio.read(folder)) == {"a": [("cat", *BOX)]}


def test_an_image_with_the_name_of_its_upload(tmp_path):
    folder = write(tmp_path, {"export.json": [task("/data/upload/1/0a1b2c3d-a.jpg", [region()])], "0a1b2c3d-a.jpg": ""})
    assert list(boxes(label_studio.read(folder))) == ["0a1b2c3d-a"]


SHAPES = {
    "rectangle": (region(), BOX),
    # 20 x 10 pixels, turned about its top left corner at (32, 24).
    "rotated": (region({"x": 50, "y": 50, "width": 31.25, "height": 10 / 0.48, "rotation": 90}), (22, 24, 32, 44)),
    "polygon": (region({"points": [[6.25, 50], [25, 5 / 0.48], [46.875, 28 / 0.48]]}, kind="polygonlabels"), BOX),
    "ellipse": (region({"x": 50, "y": 50, "radiusX": 12.5, "radiusY": 12.5, "rotation": 0}, kind="ellipselabels"), (24, 18, 40, 30)),
}


@pytest.mark.parametrize("case", SHAPES)
def test_shapes(tmp_path, case):
    item, expected = SHAPES[case]
    folder = write(tmp_path, {"export.json": [task("a.jpg", [item])], "a.jpg": ""})
    assert boxes(label_studio.read(folder)) == {"a": [("cat", *expected)]}


def test_rectangle_and_labels_apart(tmp_path):
    rectangle = {**region(), "type": "rectangle", "value": VALUE}
    labels = {"id": "r1", "type": "labels", "value": {**VALUE, "labels": ["cat"]}}
    choice = {"id": "c", "type": "choices", "value": {"choices": ["indoors"]}}
    splits = label_studio.read(write(tmp_path, {"e.json": [task("a.jpg", [rectangle, labels, choice])], "a.jpg": ""}))
    assert boxes(splits) == {"a": [("cat", *BOX)]}
    assert splits.problems == ("shapes left out, because they have no box: 1 'choices'",)


def test_which_annotation_of_several(tmp_path):
    first, second = task("a.jpg", [region(label="dog")], [region()]), task("b.jpg", [region(label="dog")], [region()])
    first["annotations"][0]["ground_truth"] = True
    for index, annotation in enumerate(second["annotations"]):
        annotation["updated_at"] = f"2024-01-0{index + 1}T00:00:00Z"
    cancelled = task("c.jpg", [region(label="dog")], [])
    cancelled["annotations"][0]["was_cancelled"] = True
    files = {"e.json": [first, second, cancelled, task("d.jpg")]} | {f"{name}.jpg": "" for name in "abcd"}
    splits = label_studio.read(write(tmp_path, files))
    assert {id: [box[0] for box in found] for id, found in boxes(splits).items()} == {"a": ["dog"], "b": ["cat"], "c": []}
    assert splits.problems[:2] == (
        "2 tasks have several annotations: the ground truth is used, else the latest",
        "1 tasks left out, because nobody has labelled them (predictions are not used)",
    )


def test_json_min(tmp_path):
    value = {**VALUE, "rectanglelabels": ["cat"], "original_width": 64, "original_height": 48}
    tasks = [{"image": f"/data/upload/1/0a1b2c3d-{n}.jpg", "id": 1, "label": [value], "annotator": 1, "lead_time": 2.0} for n in "abc"]
    tasks.append({"image": "/data/upload/1/0a1b2c3d-d.jpg", "id": 4, "annotator": 1, "lead_time": 2.0})
    folder = write(tmp_path, {"min.json": tasks, **{f"{n}.jpg": "" for n in "abcd"}})
    assert list(formats.scores(folder)) == ["label_studio"]
    assert boxes(label_studio.read(folder)) == {"a": [("cat", *BOX)], "b": [("cat", *BOX)], "c": [("cat", *BOX)], "d": []}


def test_a_file_for_each_task(tmp_path):
    """As Label Studio writes them into cloud storage: without suffix there, but people add it."""
    inner = {"id": 3, "data": {"image": "s3://bucket/a.jpg"}}
    files = {"1.json": {"id": 1, "result": [region()], "task": inner, "completed_by": {"id": 1}, "was_cancelled": False, "data": {}}}
    files["2.json"] = task("b.jpg", [region()])
    files["3.json"] = {"id": 2, "data": {"image": "c.jpg"}, "completions": [{"result": [region()]}]}
    files |= {f"{name}.jpg": "" for name in "abc"}
    folder = write(tmp_path, files)
    assert boxes(label_studio.read(folder)).keys() >= {"b", "c"}


def test_other_keys_of_the_data_and_parts_by_file(tmp_path):
    files = {}
    for part in ("train", "val"):
        entry = task("x", [region()])
        entry["data"] = {"text": "a note", "ocr": f"/data/upload/{part}.jpg"}
        files |= {f"{part}.json": [entry], f"img/{part}.jpg": ""}
    assert parts(label_studio.read(write(tmp_path, files))) == (["train"], ["val"])


def test_photographs_that_a_telephone_turned(tmp_path):
    """The browser shows them upright, and so the boxes are those of the upright image."""
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = io.BytesIO()
    Image.fromarray(np.zeros((48, 64, 3), np.uint8)).save(stored, "JPEG", exif=exif)
    tasks = [task("a.jpg", [region({"x": 50, "y": 50, "width": 25, "height": 25, "rotation": 0})])]
    splits = label_studio.read(write(tmp_path, {"e.json": tasks, "a.jpg": stored.getvalue()}))
    assert (splits.train[0].width, splits.train[0].height) == (48, 64)
    assert boxes(splits) == {"a": [("cat", 24, 32, 36, 48)]}
