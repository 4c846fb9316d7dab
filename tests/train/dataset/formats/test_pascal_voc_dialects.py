"""PASCAL VOC as other tools and other hands write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.common.errors import InputError
from runtime.common.values import Box
from tests.support.voc_samples import BOX, annotation, data_set, image, read_one
from train import open_dataset
from train.dataset.formats import pascal_voc


def with_object(folder: Path, shape: str) -> Path:
    """Writes a data set of one image with one object that has `shape` in place of a `<bndbox>`."""
    data_set(folder, 1, boxes=())
    path = folder / "annotations/p0.xml"
    path.write_text(path.read_text().replace("</annotation>", f"<object><name>cat</name>{shape}</object></annotation>"))
    return folder


@pytest.mark.parametrize(
    ("shape", "box"),
    [
        # Roboflow, with and without a box of its own.
        ("<polygon><x1>4</x1><y1>5</y1><x2>30.5</x2><y2>9</y2><x3>12</x3><y3>28</y3></polygon>", (4, 5, 30.5, 28)),
        ("<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax></bndbox><polygon><x1>4</x1><y1>5</y1></polygon>", (1, 2, 9, 9)),
        # LabelMe.
        (
            "<polygon><username>me</username><pt><x>4</x><y>5</y></pt><pt><x>30</x><y>9</y></pt><pt><x>9</x><y>28</y></pt></polygon>",
            (4, 5, 30, 28),
        ),
        # roLabelImg: a quarter turn, and an eighth.
        ("<robndbox><cx>20</cx><cy>24</cy><w>10</w><h>20</h><angle>1.57079633</angle></robndbox>", (10, 19, 30, 29)),
        ("<robndbox><cx>20</cx><cy>24</cy><w>10</w><h>10</h><angle>0.78539816</angle></robndbox>", (12.929, 16.929, 27.071, 31.071)),
    ],
)  # fmt: skip
def test_shapes_other_than_boxes(tmp_path, shape, box):
    example, problems = read_one(with_object(tmp_path, shape))
    assert ([item.box for item in example.boxes], problems) == ([Box(*box)], ())


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ("", "has no <bndbox> and no <polygon>"),
        ("<polygon/>", "has a <polygon> without points"),
        ("<polygon><x1>4</x1></polygon>", "has a <polygon> without points"),
        ("<polygon><x1>four</x1><y1>5</y1></polygon>", "has a <polygon> with a side that is not a number"),
        ("<polygon><pt><x>4</x></pt></polygon>", "not a number of pixels"),
        ("<robndbox><cx>20</cx></robndbox>", "not a number of pixels"),
    ],
)
def test_what_is_wrong_with_a_shape_is_named(tmp_path, shape, message):
    with pytest.raises(InputError, match=f"annotations/p0.xml: box 1 .*{message}"):
        pascal_voc.read(with_object(tmp_path, shape))


def rewritten(folder: Path, change) -> Path:
    """A data set of four images whose annotations are `change` of the usual text, in bytes."""
    data_set(folder, 4)
    for path in (folder / "annotations").iterdir():
        path.write_bytes(change(path.read_text()))
    return folder


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("annotation>", "Annotation>").replace("object>", "Object>").replace("xmin>", "XMin>").encode(),
        lambda text: text.upper().replace("CAT", "cat").encode(),
        lambda text: text.replace("<annotation>", "<annotation xmlns='http://x/y'>").encode(),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: ("<?xml version='1.0' encoding='utf-16'?>" + text).encode("utf-16"),
        lambda text: ("\n\n<?xml version='1.0' encoding='utf-8'?>\n" + text).encode(),
        lambda text: ("<?xml version='1.0' encoding='ISO-8859-1'?>" + text.replace("<size>", "<x>Käse</x><size>")).encode("latin-1"),
        lambda text: text.replace("<size>", "<x>Käse</x><size>").encode("latin-1"),
        lambda text: text.replace(".jpg", "").encode(),
        lambda text: text.replace("<filename>", "<filename>C:\\Users\\me\\").encode(),
        lambda text: text.replace("<filename>", "<filename>/content/drive/x/").encode(),
        lambda text: text.replace(".jpg", ".png").encode(),
        lambda text: text.replace(".jpg", ".JPG").encode(),
        lambda text: text.replace("<filename>p", "<filename>other").encode(),
        lambda text: text.replace(">4<", "> 4.0\n<").replace(">30<", ">3.0e1<").encode(),
        lambda text: text.replace("<width>64</width>", "<width>None</width>").encode(),
        lambda text: text.replace("<width>64</width><height>48</height>", "<width/><height/>").encode(),
        lambda text: text.replace("<object>", "<!-- a cat --><object><!-- here -->").encode(),
    ],
)  # fmt: skip
def test_other_hands_mean_the_same(tmp_path, change):
    dataset = open_dataset(rewritten(tmp_path / "data", change))
    assert len(dataset.train + dataset.validation) == 4 and dataset.problems == ()
    assert {(item.label, item.box) for example in dataset.train for item in example.boxes} == {("cat", Box(*BOX[1:]))}


def test_names_in_windows_letters(tmp_path):
    folder = rewritten(tmp_path / "data", lambda text: text.replace("cat", "Käse").encode("cp1252"))
    assert open_dataset(folder).labels.names == ("Käse",)


def test_annotations_named_with_the_images_suffix(tmp_path):
    data_set(tmp_path, 3)
    for path in list((tmp_path / "annotations").iterdir()):
        path.write_text(path.read_text().replace(path.stem, "renamed"))
        path.rename(path.with_name(f"{path.stem}.jpg.xml"))
    assert len(pascal_voc.read(tmp_path).train) == 3


@pytest.mark.parametrize("tree", ["annotations/{}", "labels/xmls/{}", "{}/annots", "{}_xml"])
def test_annotations_in_another_tree_than_the_images(tmp_path, tree):
    """Both parts have images of the same names."""
    for number, part in enumerate(("train", "val")):
        for i in range(3):
            image(tmp_path / "images" / part / f"{i}.jpg", seed=10 * number + i)
            annotation(tmp_path / tree.format(part) / f"{i}.xml")
    splits = pascal_voc.read(tmp_path)
    assert [example.image.parent.name for example in splits.train] == ["train"] * 3
    assert [example.image.parent.name for example in splits.validation] == ["val"] * 3
    assert splits.problems == ()


@pytest.mark.parametrize(
    ("lists", "train", "validation", "notes"),
    [
        ({"ImageSets/train.txt": "p0 p1 p2", "ImageSets/val.txt": "p3"}, 3, 1, 1),
        ({"train.txt": "p0 p1 p2", "val.txt": "p3 p4"}, 3, 2, 0),
        ({"splits/training.txt": "p0 p1 p2", "splits/testing.txt": "p3 p4"}, 3, 2, 0),
        ({"train.txt": "images/p0.jpg images/p1.jpg", "valid.txt": "./images/p3.jpg", "test.txt": "p4"}, 2, 1, 2),
        ({"train.txt": "annotations/p0.xml annotations/p1.xml", "dev.txt": "annotations/p3.xml annotations/p4.xml"}, 2, 2, 1),
        ({"ImageSets/Main/train.txt": "p0 p1", "ImageSets/Main/val.txt": "p2", "ImageSets/Main/test.txt": "p3 p4"}, 2, 1, 1),
        ({"ImageSets/Main/trainval.txt": "p0 p1 p2", "ImageSets/Main/train.txt": "p0", "ImageSets/Main/test.txt": "p3 p4"}, 3, 2, 0),
        ({"ImageSets/Main/test.txt": "p3 p4"}, 3, 2, 1),
        ({"ImageSets/Main/train.txt": "p3 p4"}, 5, None, 1),
        # No lists of images.
        ({"train.txt": "some notes", "val.txt": "on the training"}, 5, None, 0),
        ({"train.txt": "p0 p1 p2 p3 p4"}, 5, None, 1),
    ],
)  # fmt: skip
def test_lists_of_parts(tmp_path, lists, train, validation, notes):
    data_set(tmp_path, 5)
    for name, stems in lists.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("\n".join(stems.split()) if "notes" not in stems else stems)
    splits = pascal_voc.read(tmp_path)
    assert (len(splits.train), splits.validation and len(splits.validation)) == (train, validation)
    assert len(splits.problems) == notes, splits.problems


def test_a_copy_of_the_annotations_is_no_fault(tmp_path):
    data_set(tmp_path, 4)
    for i in range(4):
        annotation(tmp_path / f"backup/p{i}.xml", [BOX] if i else [("dog", *BOX[1:])])
    dataset = open_dataset(tmp_path)
    assert len(dataset.train + dataset.validation) == 4 and dataset.bad_images == 1
    assert dataset.problems[0].startswith("backup/p0.xml: its image images/p0.jpg belongs to annotations/p0.xml already")
    assert dataset.problems[1] == "not used, because another says the same of the image: 3 XML files (backup/p1.xml)"
