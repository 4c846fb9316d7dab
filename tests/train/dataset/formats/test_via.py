from __future__ import annotations

import math

import pytest

from runtime.common.errors import InputError
from tests.support.layouts import boxes, parts, write
from train import open_dataset
from train.dataset import formats
from train.dataset.formats import via

RECT = {"name": "rect", "x": 4, "y": 5, "width": 26, "height": 23}
BOX = (4.0, 5.0, 30.0, 28.0)


def region(shape: dict = RECT, **attributes) -> dict:
    return {"shape_attributes": shape, "region_attributes": attributes}


def image(*regions: dict, name: str = "a.jpg", as_map: bool = False) -> dict:
    found = {str(index): item for index, item in enumerate(regions)} if as_map else list(regions)
    return {"filename": name, "size": 1234, "regions": found, "file_attributes": {}}


def test_a_project_an_export_and_version_1(tmp_path):
    entry = image(region(type="cat"))
    project = {"_via_settings": {"ui": {}}, "_via_img_metadata": {"a.jpg1234": entry}, "_via_attributes": {"region": {}}, "_via_data_format_version": "2.0.10"}
    for name, data in {
        "project": project,
        "export": {"a.jpg1234": entry},
        "version 1": {"a.jpg1234": {**image(region(type="cat"), as_map=True), "fileref": "", "base64_img_data": ""}},
        "list": [entry],
    }.items():
        folder = write(tmp_path / name, {"via.json": data, "images/a.jpg": ""})
        assert list(formats.scores(folder)) == ["via"] and via.score(folder).images == 1
        assert boxes(via.read(folder)) == {"a": [("cat", *BOX)]}, name


def test_a_project_beside_its_export_is_read_once(tmp_path):
    entry = {"a.jpg1": image(region(type="cat"))}
    splits = via.read(write(tmp_path, {"via_project.json": {"_via_img_metadata": entry}, "via_export.json": entry, "a.jpg": ""}))
    assert boxes(splits) == {"a": [("cat", *BOX)]} and splits.problems == ()


SHAPES = {
    "rect": (RECT, BOX),
    "polygon": ({"name": "polygon", "all_points_x": [4, 30, 10], "all_points_y": [20, 5, 28]}, BOX),
    "closed polyline": ({"name": "polyline", "all_points_x": [4, 30, 10, 5], "all_points_y": [20, 5, 28, 20]}, BOX),
    "circle": ({"name": "circle", "cx": 20, "cy": 20, "r": 5}, (15, 15, 25, 25)),
    "ellipse": ({"name": "ellipse", "cx": 20, "cy": 20, "rx": 10, "ry": 5}, (10, 15, 30, 25)),
    "turned ellipse": ({"name": "ellipse", "cx": 20, "cy": 20, "rx": 10, "ry": 5, "theta": math.pi / 2}, (15, 10, 25, 30)),
}


@pytest.mark.parametrize("case", SHAPES)
def test_shapes(tmp_path, case):
    shape, expected = SHAPES[case]
    other = region({"name": "point", "cx": 1, "cy": 1}, type="cat")
    splits = via.read(write(tmp_path, {"via.json": {"a": image(region(shape, type="cat"), other)}, "a.jpg": ""}))
    assert boxes(splits) == {"a": [("cat", *expected)]}
    assert splits.problems == ("shapes left out, because they have no box: 1 'point'",)


ATTRIBUTES = {
    "only one": ({"fruit": "cat"}, "cat"),
    "named class": ({"id": "7", "Class": "cat", "quality": "good"}, "cat"),
    "check boxes": ({"type": {"cat": True}}, "cat"),
    "check boxes of which one is not set": ({"type": {"cat": True, "dog": False}}, "cat"),
    "spaces": ({"name": " cat\n"}, "cat"),
    "a number": ({"class": 3}, "3"),
}


@pytest.mark.parametrize("case", ATTRIBUTES)
def test_the_attribute_that_is_the_class(tmp_path, case):
    attributes, expected = ATTRIBUTES[case]
    splits = via.read(write(tmp_path, {"via.json": {"a": image(region(**attributes))}, "a.jpg": ""}))
    assert boxes(splits) == {"a": [(expected, *BOX)]}


def test_an_attribute_is_written_otherwise_in_each_file(tmp_path):
    files = {"train/via.json": {"a": image(region(Kind="cat"))}, "train/a.jpg": ""}
    files |= {"val/via.json": {"b": image(region(kind="cat"), name="b.jpg")}, "val/b.jpg": ""}
    splits = via.read(write(tmp_path, files))
    assert boxes(splits) == {"a": [("cat", *BOX)], "b": [("cat", *BOX)]} and not splits.problems


def test_lines_have_no_box_and_the_refusal_says_so(tmp_path):
    line = {"name": "polyline", "all_points_x": [4, 30, 10, 30], "all_points_y": [20, 5, 28, 5]}
    files = {"via.json": {name: image(region(line, type="cat"), name=f"{name}.jpg") for name in "abc"}}
    folder = write(tmp_path, {**files, "a.jpg": "", "b.jpg": "", "c.jpg": ""})
    with pytest.raises(InputError, match=r"not one box in \d images; .* \(shapes left out, because they have no box: 3 'polyline'"):
        open_dataset(folder)
    # As background, an image would teach that its objects are none.
    files["via.json"]["a"] = image(region(type="cat"))
    splits = via.read(write(tmp_path, files))
    assert boxes(splits) == {"a": [("cat", *BOX)]}
    assert "left out, because not one of its shapes has a box: 2 images" in splits.problems


def test_regions_without_attributes_are_of_one_class(tmp_path):
    """As in the balloons of the tutorial on Mask R-CNN."""
    splits = via.read(write(tmp_path, {"train/via_region_data.json": {"a": image(region())}, "train/a.jpg": ""}))
    assert boxes(splits) == {"a": [("object", *BOX)]}
    assert splits.problems == ("the regions have no attributes, so all are of one class, 'object'",)


def test_two_attributes_that_may_be_the_class(tmp_path):
    folder = write(tmp_path, {"via.json": {"a": image(region(fruit="apple", colour="red"))}, "a.jpg": ""})
    with pytest.raises(InputError, match="the class may be the attribute 'fruit' or 'colour' of the regions; rename the right one"):
        via.read(folder)


def test_a_region_without_the_class(tmp_path):
    regions = [region(type="cat")] * 4 + [region(type="")]
    splits = via.read(write(tmp_path, {"via.json": {"a": image(*regions)}, "a.jpg": ""}))
    assert splits.problems == ("via.json: 'a.jpg': region 5 has no class name",)


def test_files_for_parts(tmp_path):
    files = {f"{part}/via_region_data.json": {"x": image(region(type="cat"), name=f"{part}.jpg")} for part in ("train", "val")}
    splits = via.read(write(tmp_path, files | {"train/train.jpg": "", "val/val.jpg": ""}))
    assert parts(splits) == (["train"], ["val"])
