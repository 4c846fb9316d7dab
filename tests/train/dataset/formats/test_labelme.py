from __future__ import annotations

import base64

import pytest

from tests.support import format_samples as make
from tests.support.layouts import boxes, parts, write
from train.dataset import formats
from train.dataset.formats import labelme

BOX = (4.0, 5.0, 30.0, 28.0)


def shape(kind: str | None, points: list, label: str = "cat") -> dict:
    found = {"label": label, "points": points, "group_id": None, "description": "", "flags": {}, "mask": None}
    return found if kind is None else {**found, "shape_type": kind}


RECTANGLE = shape("rectangle", [[4, 5], [30, 28]])


def data(*shapes: dict, image: str = "a.jpg", **more) -> dict:
    size = {"imageHeight": 48, "imageWidth": 64}
    return {"version": "5.0.1", "flags": {}, "shapes": list(shapes), "imagePath": image, "imageData": None, **size, **more}


SHAPES = {
    "rectangle": (RECTANGLE, BOX),
    "from the other corner": (shape("rectangle", [[30, 28], [4, 5]]), BOX),
    "four corners": (shape("rectangle", [[4, 5], [30, 5], [30, 28], [4, 28]]), BOX),
    "polygon": (shape("polygon", [[4, 20], [30, 5], [10, 28]]), BOX),
    "no type": (shape(None, [[4, 20], [30, 5], [10, 28]]), BOX),
    "circle": (shape("circle", [[20, 20], [23, 24]]), (15, 15, 25, 25)),
    "mask": (shape("mask", [[4, 5], [30, 28]]), BOX),
    "rotation": (shape("rotation", [[4, 15], [15, 5], [30, 15], [15, 28]]), BOX),
}


@pytest.mark.parametrize("case", SHAPES)
def test_shapes(tmp_path, case):
    item, expected = SHAPES[case]
    folder = write(tmp_path, {"a.json": data(item), "a.jpg": ""})
    assert boxes(labelme.read(folder)) == {"a": [("cat", *expected)]}


@pytest.mark.parametrize("path", ["a.jpg", "..\\images\\a.jpg", "../images/a.jpg", "/home/me/a.jpg", "", "renamed.png"])
def test_paths(tmp_path, path):
    folder = write(tmp_path, {"annotations/a.json": data(RECTANGLE, image=path), "images/a.jpg": ""})
    assert labelme.score(folder).images == 1
    assert boxes(labelme.read(folder)) == {"a": [("cat", *BOX)]}


def test_a_copy_of_the_image_inside(tmp_path):
    """The file is recognized although both ends are far apart, and the copy is not kept in memory."""
    files = {"a.json": {"imageData": "A" * 200_000, **data(RECTANGLE)}, "a.jpg": ""}
    assert list(formats.scores(write(tmp_path, files))) == ["labelme"]
    assert boxes(labelme.read(tmp_path)) == {"a": [("cat", *BOX)]}


def test_the_only_copy_of_the_image(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    copies = [base64.b64encode(make.image(index)).decode() for index in range(4)]
    files = {f"train/{i}.json": data(RECTANGLE, image=f"..\\{i}.jpg", imageData=copy) for i, copy in enumerate(copies)}
    folder = write(tmp_path / "data", {**files, "train/3.jpg": make.image(9)})
    (folder / "train/2.json").write_text((folder / "train/2.json").read_text().replace(copies[2], "@"))
    splits = labelme.read(folder)
    assert {e.id: e.image.read_bytes() for e in splits.train} == {"0": make.image(0), "1": make.image(1), "3": make.image(9)}
    assert splits.problems[0].startswith("taken out of the JSON files (imageData)") and "2 images" in splits.problems[0]
    assert any(line.startswith("train/2.json: its image is missing") for line in splits.problems)


def test_folders_are_parts_and_words_in_names_are_not(tmp_path):
    files = {}
    for place in ("train/test_1", "train/b", "test/train_2"):
        name = place.rpartition("/")[2]
        files |= {f"{place}.json": data(RECTANGLE, image=f"{name}.jpg"), f"{place}.jpg": ""}
    assert parts(labelme.read(write(tmp_path, files))) == (["b", "test_1"], ["train_2"])


def test_lines_and_points_are_left_out(tmp_path):
    shapes = (RECTANGLE, shape("point", [[1, 1]]), shape("linestrip", [[1, 1], [2, 2]]), shape("line", [[1, 1], [2, 2]]))
    splits = labelme.read(write(tmp_path, {"a.json": data(*shapes), "a.jpg": ""}))
    assert boxes(splits) == {"a": [("cat", *BOX)]}
    assert splits.problems == ("shapes left out, because they have no box: 1 'line', 1 'linestrip', 1 'point'",)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (shape("rectangle", [[1, 2]]), "has 1 points, too few for a rectangle"),
        (shape("rectangle", [[1, "x"], [3, 4]]), "has y='x', which is not a number"),
        (shape("rectangle", "x"), "has points that are no pairs of numbers"),
        (shape("rectangle", [[1, 2], [30, 28]], ""), "has no class name"),
        (shape("rectangle", [[1, 2], [float("nan"), 4]]), "has x=nan, which is not a number"),
    ],
)
def test_what_is_wrong_in_a_shape_is_named(tmp_path, item, message):
    splits = labelme.read(write(tmp_path, {"a.json": data(*[RECTANGLE] * 4, item), "a.jpg": ""}))
    assert splits.problems == (f"a.json: shape 5 {message}",)


@pytest.mark.parametrize("long", ["shapes", "image", "both", "sorted"])
def test_long_files_are_known_though_keys_are_in_the_middle(tmp_path, long):
    points = [[4, 5], [30, 28], *([[10, 10]] * (4000 if long in ("shapes", "both") else 1))]
    copy = "A" * (100_000 if long != "shapes" else 4)
    content = data(shape("polygon", points), imageData=copy)
    content = dict(sorted(content.items())) if long == "sorted" else content
    folder = write(tmp_path, {"a.json": content, "a.jpg": ""})
    assert list(formats.scores(folder)) == ["labelme"]
    assert boxes(labelme.read(folder)) == {"a": [("cat", *BOX)]}
