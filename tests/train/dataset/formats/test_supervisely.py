from __future__ import annotations

import base64
import zlib

import cv2
import numpy as np
import pytest

from tests.support.layouts import boxes, parts, write
from train.dataset import formats
from train.dataset.formats import supervisely

BOX = (4.0, 5.0, 30.0, 28.0)


def item(kind: str | None, points: list, label: str = "cat", **more) -> dict:
    found = {"classTitle": label, "tags": [], "points": {"exterior": points, "interior": []}, **more}
    return found if kind is None else {**found, "geometryType": kind}


def bitmap(width: int, height: int, origin: list) -> dict:
    png = cv2.imencode(".png", np.full((height, width), 255, np.uint8))[1].tobytes()
    data = {"data": base64.b64encode(zlib.compress(png)).decode(), "origin": origin}
    return {"classTitle": "cat", "geometryType": "bitmap", "bitmap": data, "tags": []}


RECTANGLE = item("rectangle", [[4, 5], [30, 28]])


def data(*objects: dict) -> dict:
    return {"description": "", "tags": [], "size": {"height": 48, "width": 64}, "objects": list(objects)}


SHAPES = {
    "rectangle": (RECTANGLE, BOX),
    "polygon": (item("polygon", [[4, 20], [30, 5], [10, 28]]), BOX),
    "no type": (item(None, [[4, 20], [30, 5], [10, 28]]), BOX),
    "bitmap": (bitmap(26, 23, [4, 5]), BOX),
}


@pytest.mark.parametrize("case", SHAPES)
@pytest.mark.parametrize("name", ["a.jpg.json", "a.json"])
def test_shapes(tmp_path, case, name):
    shape, expected = SHAPES[case]
    folder = write(tmp_path, {f"ds0/ann/{name}": data(shape), "ds0/img/a.jpg": "", "meta.json": {"classes": []}})
    assert list(formats.scores(folder)) == ["supervisely"] and supervisely.score(folder).images == 1
    assert boxes(supervisely.read(folder)) == {"a": [("cat", *expected)]}


def test_data_sets_of_a_project(tmp_path):
    files = {}
    for part in ("train", "val"):
        files |= {f"{part}/ann/{i}.jpg.json": data(RECTANGLE) for i in range(2)}
        files |= {f"{part}/img/{i}.jpg": "" for i in range(2)}
    assert parts(supervisely.read(write(tmp_path, files))) == (["train/img/0", "train/img/1"], ["val/img/0", "val/img/1"])


def test_lines_and_points_are_left_out(tmp_path):
    objects = (RECTANGLE, item("point", [[1, 1]]), item("line", [[1, 1], [2, 2]]), {"geometryType": "graph", "nodes": {}})
    splits = supervisely.read(write(tmp_path, {"ds/ann/a.jpg.json": data(*objects), "ds/img/a.jpg": ""}))
    assert splits.problems == ("shapes left out, because they have no box: 1 'graph', 1 'line', 1 'point'",)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({**bitmap(2, 2, [1, 1]), "bitmap": {"data": "@@", "origin": [1, 1]}}, "has a bitmap that"),
        ({**bitmap(2, 2, [1, 1]), "bitmap": {"data": base64.b64encode(zlib.compress(b"0" * 99)).decode(), "origin": [1, 1]}}, "is no PNG"),
        ({**bitmap(2, 2, [1, 1]), "bitmap": {"origin": [1]}}, "points that are no pairs"),
        (item("rectangle", [[1, 2]]), "has 1 points, too few"),
        (item("polygon", None), "points that are no pairs"),
    ],
)
def test_what_is_wrong_in_an_object_is_named(tmp_path, shape, message):
    splits = supervisely.read(write(tmp_path, {"ds/ann/a.jpg.json": data(*[RECTANGLE] * 4, shape), "ds/img/a.jpg": ""}))
    assert len(splits.problems) == 1
    assert splits.problems[0].startswith("ds/ann/a.jpg.json: object 5 ") and message in splits.problems[0]


def test_a_bitmap_is_not_unpacked(tmp_path):
    """A gigabyte of zeros behind the header takes no memory."""
    head = cv2.imencode(".png", np.full((23, 26), 255, np.uint8))[1].tobytes()
    packer = zlib.compressobj()
    packed = packer.compress(head) + b"".join(packer.compress(bytes(1 << 20)) for _ in range(64)) + packer.flush()
    shape = bitmap(1, 1, [4, 5])
    shape["bitmap"]["data"] = base64.b64encode(packed).decode()
    splits = supervisely.read(write(tmp_path, {"ds/ann/a.jpg.json": data(shape), "ds/img/a.jpg": ""}))
    assert boxes(splits) == {"a": [("cat", *BOX)]}
