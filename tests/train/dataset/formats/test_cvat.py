from __future__ import annotations

import pytest

from runtime.common.errors import InputError
from tests.support.layouts import boxes, parts, write
from train.dataset import formats
from train.dataset.formats import cvat

META = "<version>1.1</version><meta><task><name>t</name><labels><label><name>cat</name></label></labels></task></meta>"
BOX = '<box label="cat" xtl="4.0" ytl="5.0" xbr="30.0" ybr="28.0" occluded="0" z_order="0"/>'


def xml(*images: str, head: str = META) -> str:
    return f'<?xml version="1.0" encoding="utf-8"?>\n<annotations>{head}{"".join(images)}</annotations>'


def image(name: str, shapes: str = BOX, more: str = "") -> str:
    return f'<image id="0" name="{name}" width="64" height="48" {more}>{shapes}</image>'


SHAPES = {
    "box": (BOX, (4, 5, 30, 28)),
    "attributes": (BOX.replace("/>", '><attribute name="age">3</attribute></box>'), (4, 5, 30, 28)),
    "rotated": ('<box label="cat" xtl="10" ytl="10" xbr="30" ybr="20" rotation="90.0"/>', (15, 5, 25, 25)),
    "polygon": ('<polygon label="cat" points="4.0,28.0;30.0,20.0;10.0,5.0"/>', (4, 5, 30, 28)),
    "ellipse": ('<ellipse label="cat" cx="20" cy="20" rx="10" ry="5"/>', (10, 15, 30, 25)),
    "turned ellipse": ('<ellipse label="cat" cx="20" cy="20" rx="10" ry="5" rotation="90"/>', (15, 10, 25, 30)),
    "mask": ('<mask label="cat" rle="1, 2" left="4" top="5" width="26" height="23"/>', (4, 5, 30, 28)),
}


@pytest.mark.parametrize("case", SHAPES)
def test_shapes(tmp_path, case):
    shape, expected = SHAPES[case]
    folder = write(tmp_path, {"annotations.xml": xml(image("a.jpg", shape)), "images/a.jpg": ""})
    assert boxes(cvat.read(folder)) == {"a": [("cat", *expected)]}


def test_shapes_without_a_box(tmp_path):
    shapes = BOX + '<points label="cat" points="1,1"/><polyline label="cat" points="1,1;2,2"/><tag label="dark"/><tag label="x"/>'
    splits = cvat.read(write(tmp_path, {"annotations.xml": xml(image("a.jpg", shapes)), "a.jpg": ""}))
    assert len(splits.train[0].boxes) == 1
    assert splits.problems == ("shapes left out, because they have no box: 1 points, 1 polyline, 2 tag",)


@pytest.mark.parametrize("train", ["Train", "train", "training"])
def test_subsets_of_a_project(tmp_path, train):
    images = [image(f"{i}.jpg", more=f'subset="{train if i < 3 else "Validation"}"') for i in range(4)]
    splits = cvat.read(write(tmp_path, {"annotations.xml": xml(*images), **{f"images/{i}.jpg": "" for i in range(4)}}))
    assert parts(splits) == (["0", "1", "2"], ["3"])


def test_folders_of_parts(tmp_path):
    """As the export of a project without subsets in the XML, or with a file for each."""
    files = {"train/annotations.xml": xml(image("a.jpg")), "val/annotations.xml": xml(image("b.jpg"))}
    assert parts(cvat.read(write(tmp_path / "1", files | {"train/images/a.jpg": "", "val/images/b.jpg": ""}))) == (["a"], ["b"])
    files = {"annotations.xml": xml(image("train/a.jpg"), image("val/a.jpg"))}
    assert parts(cvat.read(write(tmp_path / "2", files | {"train/a.jpg": "", "val/a.jpg": ""}))) == (["train/a"], ["val/a"])


def track(frames: dict[int, str], label: str = "cat") -> str:
    shapes = "".join(
        f'<box frame="{n}" outside="{outside}" occluded="0" keyframe="1" xtl="4.0" ytl="5.0" xbr="30.0" ybr="28.0"/>'
        for n, outside in frames.items()
    )
    return f'<track id="0" label="{label}" source="manual">{shapes}</track>'


def test_video_whose_frames_are_there(tmp_path):
    text = xml(track({0: "0", 1: "0", 2: "1"}), track({1: "0", 7: "0"}, "dog"))
    folder = write(tmp_path, {"annotations.xml": text, **{f"images/frame_{i:06}.PNG": "" for i in range(3)}})
    assert cvat.score(folder).images == 3
    found = boxes(cvat.read(folder))
    assert {name: [box[0] for box in items] for name, items in found.items()} == {
        "frame_000000": ["cat"],
        "frame_000001": ["cat", "dog"],
    }


def test_video_without_frames(tmp_path):
    with pytest.raises(InputError, match="annotates a video whose frames are not in the folder; export it as 'CVAT for images"):
        cvat.read(write(tmp_path, {"annotations.xml": xml(track({0: "0"})), "a.jpg": ""}))


def test_other_xml_is_not_cvats(tmp_path):
    files = {"a.xml": "<annotation><filename>a.jpg</filename></annotation>", "b.xml": "<annotations_list><image/></annotations_list>"}
    files |= {"c.xml": "<dataset><images><image/></images></dataset>", "d.xml": "<annotations><annotation/></annotations>", "a.jpg": ""}
    folder = write(tmp_path, files)
    assert cvat.score(folder) is None
    with pytest.raises(InputError, match="no XML file of CVAT in it"):
        cvat.read(folder)


def test_entities_are_refused(tmp_path):
    text = xml(image("&b;")).replace("<annotations>", '<!DOCTYPE a [<!ENTITY b "bb">]><annotations>')
    with pytest.raises(InputError, match="declares XML entities"):
        cvat.read(write(tmp_path, {"annotations.xml": text, "a.jpg": ""}))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (BOX.replace('"4.0"', '"x"'), "shape 1 has xtl='x', which is not a number"),
        (BOX.replace('"cat"', '""'), "shape 1 has no class name"),
        (BOX.replace('xbr="30.0"', ""), "shape 1 has xbr=None, which is not a number"),
        ('<polygon label="cat" points="1,2"/>', "shape 1 has 1 points, too few for a box"),
        ('<polygon label="cat" points="1;2"/>', "shape 1 has y='', which is not a number"),
    ],
)
def test_what_is_wrong_in_a_shape_is_named(tmp_path, shape, message):
    files = {"annotations.xml": xml(image("a.jpg", shape + BOX * 4)), "a.jpg": ""}
    splits = cvat.read(write(tmp_path, files))
    assert splits.problems == (f"annotations.xml: 'a.jpg': {message}",) and len(splits.train[0].boxes) == 4


def test_it_is_found_beside_the_images(tmp_path):
    folder = write(tmp_path, {"annotations.xml": xml(*(image(f"{i}.jpg") for i in range(3))), **{f"{i}.jpg": "" for i in range(3)}})
    assert list(formats.scores(folder)) == ["cvat"]
