"""An image with nothing but shapes that have no box is left out by all readers of tools, and told: it is no background."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.layouts import write
from train.dataset import formats

BOX = {"x": 8, "y": 8, "width": 16, "height": 12}
POINTS = [[8, 8], [24, 20]]
XML = """<annotations>
<image id="0" name="a.jpg" width="64" height="48"><box label="cat" xtl="8" ytl="8" xbr="24" ybr="20"/></image>
<image id="1" name="b.jpg" width="64" height="48"><points label="cat" points="3,4"/></image>
<image id="2" name="c.jpg" width="64" height="48"><tag label="night"/></image>
</annotations>"""

IMGLAB = """<dataset><images>
<image file='a.jpg'><box top='8' left='8' width='16' height='12'/></image>
<image file='b.jpg'><box top='8' left='8' width='16' height='12' ignore='1'><label>cat</label></box></image>
<image file='c.jpg'></image>
</images></dataset>"""


def via(*shapes: dict) -> str:
    named = zip(("a.jpg", "b.jpg", "c.jpg"), shapes)
    regions = {name: [{"shape_attributes": shape, "region_attributes": {"class": "cat"}}] if shape else [] for name, shape in named}
    return json.dumps({name: {"filename": name, "size": 1, "regions": found, "file_attributes": {}} for name, found in regions.items()})


def labelme(name: str, *kinds: str) -> str:
    shapes = [{"label": "cat", "points": POINTS, "shape_type": kind, "flags": {}} for kind in kinds]
    return json.dumps({"version": "5", "shapes": shapes, "imagePath": name, "imageData": None, "imageHeight": 48, "imageWidth": 64})


def supervisely(*kinds: str) -> str:
    objects = [{"classTitle": "cat", "geometryType": kind, "points": {"exterior": POINTS, "interior": []}} for kind in kinds]
    return json.dumps({"size": {"width": 64, "height": 48}, "tags": [], "objects": objects})


def task(number: int, name: str, *results: dict) -> dict:
    return {"id": number, "data": {"image": name}, "annotations": [{"result": list(results), "was_cancelled": False}]}


def result(kind: str, **value: object) -> dict:
    return {"type": kind, "id": kind, "value": {**value, kind: ["cat"]}, "original_width": 64, "original_height": 48}


def darwin(name: str, *annotations: dict) -> str:
    item = {"name": name, "slots": [{"width": 64, "height": 48, "source_files": [{"file_name": name}]}]}
    return json.dumps({"version": "2.0", "item": item, "annotations": [{"name": "cat", **row} for row in annotations]})


def datumaro(*kinds: str) -> str:
    shapes = {"bbox": {"bbox": [8, 8, 16, 12]}, "points": {"points": [3, 4]}, "label": {}}
    items = [
        {"id": name, "annotations": [{"type": kind, "label_id": 0, **shapes[kind]}], "image": {"path": f"{name}.jpg", "size": [48, 64]}}
        for name, kind in zip("abc", kinds)
    ]
    return json.dumps({"info": {}, "categories": {"label": {"labels": [{"name": "cat"}]}}, "items": items})


def labelbox(name: str, **shape: object) -> str:
    found = [{"name": "cat", "annotation_kind": next(iter(shape)), **shape}] if shape else []
    labels = [{"annotations": {"objects": found, "classifications": []}}]
    return json.dumps({"data_row": {"external_id": name}, "media_attributes": {"width": 64, "height": 48}, "projects": {"p": {"labels": labels}}})


def vott(*kinds: str) -> str:
    box = {"left": 8, "top": 8, "width": 16, "height": 12}
    regions = [[{"type": kind, "tags": ["cat"], "boundingBox": box, "points": [{"x": 8, "y": 8}]}] if kind else [] for kind in kinds]
    assets = {
        name: {"asset": {"name": f"{name}.jpg", "path": f"file:{name}.jpg", "size": {"width": 64, "height": 48}}, "regions": found, "version": "2"}
        for name, found in zip("abc", regions)
    }
    return json.dumps({"name": "p", "assets": assets})


CASES: dict[str, dict[str, str]] = {
    "via": {"via.json": via({"name": "rect", **BOX}, {"name": "point", "cx": 3, "cy": 4}, {})},
    "labelme": {"a.json": labelme("a.jpg", "rectangle"), "b.json": labelme("b.jpg", "line"), "c.json": labelme("c.jpg")},
    "supervisely": {
        "ann/a.jpg.json": supervisely("rectangle"),
        "ann/b.jpg.json": supervisely("point"),
        "ann/c.jpg.json": supervisely(),
    },
    "cvat": {"annotations.xml": XML},
    "label_studio": {
        "tasks.json": json.dumps(
            [
                task(1, "a.jpg", result("rectanglelabels", **BOX, rotation=0)),
                task(2, "b.jpg", result("keypointlabels", x=5, y=6, width=0.5)),
                task(3, "c.jpg", {"type": "choices", "id": "x", "value": {"choices": ["night"]}}),
            ]
        )
    },
    "label_studio, brush": {
        "tasks.json": json.dumps(
            [
                task(1, "a.jpg", result("rectanglelabels", **BOX, rotation=0)),
                task(2, "b.jpg", result("brushlabels", format="rle", rle=[1, 2])),
                task(3, "c.jpg"),
            ]
        )
    },
    "darwin": {
        "a.json": darwin("a.jpg", {"bounding_box": {"x": 8, "y": 8, "w": 16, "h": 12}}),
        "b.json": darwin("b.jpg", {"keypoint": {"x": 3, "y": 4}}),
        "c.json": darwin("c.jpg", {"tag": {}}),
    },
    "datumaro": {"default.json": datumaro("bbox", "points", "label")},
    "labelbox": {
        "export.ndjson": "\n".join(
            (
                labelbox("a.jpg", bounding_box={"left": 8, "top": 8, "width": 16, "height": 12}),
                labelbox("b.jpg", point={"x": 3, "y": 4}),
                labelbox("c.jpg"),
            )
        )
    },
    "dlib": {"imglab.xml": IMGLAB},
    "vott": {"export.json": vott("RECTANGLE", "POINT", "")},
    "yolo": {"classes.txt": "cat\n", "a.txt": "0 0.25 0.3 0.25 0.25\n", "b.txt": "DontCare 0.25 0.3 0.25 0.25\n", "c.txt": ""},
}


@pytest.mark.parametrize("case", CASES)
def test_an_image_without_one_boxed_shape_is_left_out_and_an_empty_one_is_background(case: str, tmp_path: Path) -> None:
    place = "img/" if case == "supervisely" else ""
    folder = write(tmp_path, {f"{place}{name}.jpg": "" for name in "abc"} | CASES[case])
    splits = formats.find(case.partition(",")[0]).read(folder)
    assert {example.image.name: len(example.boxes) for example in splits.train} == {"a.jpg": 1, "c.jpg": 0}
    (told,) = [line for line in splits.problems if "not one of its shapes has a box" in line]
    assert "1 image" in told
