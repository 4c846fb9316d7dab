from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from runtime.common.errors import InputError
from runtime.common.values import Box
from tests.support import format_samples as make
from tests.support.format_samples import samples
from tests.support.voc_samples import BOX, annotation, data_set, image, read_one
from train.dataset.formats import pascal_voc

GOOD = [BOX] * 40


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("annotations", "images"),
    [
        ("annotations", "images"),
        ("Annotations", "JPEGImages"),
        (".", "."),
        ("a/xmls", "b"),
        ("top/annotations", "top/images"),
    ],
)
def test_layouts(tmp_path, annotations, images):
    data_set(tmp_path, 4, annotations, images)
    splits = pascal_voc.read(tmp_path)
    assert [example.id for example in splits.train] == ["p0", "p1", "p2", "p3"]
    assert splits.validation is None and splits.problems == ()
    for example in splits.train:
        assert example.image == tmp_path / images / f"{example.id}.jpg"
        assert (example.width, example.height) == (64, 48)


def test_folders_of_an_export_are_its_splits(tmp_path):
    data_set(tmp_path / "train", 4, ".", ".")
    data_set(tmp_path / "valid", 2, ".", ".")
    data_set(tmp_path / "test", 1, ".", ".")
    splits = pascal_voc.read(tmp_path)
    assert [example.id for example in splits.train] == ["train/p0", "train/p1", "train/p2", "train/p3"]
    assert [example.id for example in splits.validation] == ["valid/p0", "valid/p1"]
    assert all(example.image.parent.name == example.id.split("/")[0] for example in splits.train + splits.validation)
    assert splits.problems == ("kept out of training and validation, because in the test split: 1 images",)


def test_the_nearer_of_two_images_is_taken_in_mirrored_trees(tmp_path):
    for split in ("train", "val"):
        data_set(tmp_path, 2, f"annotations/{split}", f"images/{split}")
    splits = pascal_voc.read(tmp_path)
    assert {example.image.parent.name for example in splits.train} == {"train"}
    assert {example.image.parent.name for example in splits.validation} == {"val"}


@pytest.mark.parametrize(
    ("lists", "train", "validation"),
    [
        ({"train": "0", "val": "1", "trainval": "01", "test": "23"}, "01", "23"),
        ({"train": "0", "val": "1", "trainval": "01"}, "0", "1"),
        ({"train": "0", "test": "3"}, "0", "3"),
        ({"trainval": "01"}, "0123", None),
    ],
)
def test_preference_of_split_lists(tmp_path, lists, train, validation):
    data_set(tmp_path, 4)
    folder = tmp_path / "ImageSets/Main"
    folder.mkdir(parents=True)
    for name, digits in lists.items():
        (folder / f"{name}.txt").write_text("".join(f"p{digit}\n" for digit in digits))
    splits = pascal_voc.read(tmp_path)
    assert [example.id for example in splits.train] == [f"p{digit}" for digit in train]
    assert (validation is None and splits.validation is None) or [example.id for example in splits.validation] == [
        f"p{digit}" for digit in validation
    ]


def test_lines_of_lists_may_have_suffixes_marks_and_windows_ends(tmp_path):
    data_set(tmp_path, 4)
    annotation(tmp_path / "annotations/with space.xml")
    image(tmp_path / "images/with space.jpg")
    folder = tmp_path / "ImageSets/Main"
    folder.mkdir(parents=True)
    (folder / "train.txt").write_bytes(b"\xef\xbb\xbfp0.jpg\r\np1 -1\r\nwith space\r\n\r\n")
    (folder / "val.txt").write_text("p2  1\np1\n")
    splits = pascal_voc.read(tmp_path)
    assert [example.id for example in splits.train] == ["p0", "with space"]
    assert [example.id for example in splits.validation] == ["p1", "p2"]
    assert "no list names them: 1 annotation (p3)" in splits.problems[0]
    assert "kept out of the training part, because in a part to measure on too: 1 image (p1.jpg)" in splits.problems[1]


def test_list_entry_without_annotation_is_refused(tmp_path):
    data_set(tmp_path, 2)
    folder = tmp_path / "ImageSets/Main"
    folder.mkdir(parents=True)
    (folder / "train.txt").write_text("p0\nnowhere\n")
    (folder / "val.txt").write_text("p1\n")
    with pytest.raises(InputError, match=r"train.txt: 'nowhere' has no XML file"):
        pascal_voc.read(tmp_path)


def test_objects_are_read_by_tag_name_whatever_the_order(tmp_path):
    image(tmp_path / "a.jpg")
    (tmp_path / "a.xml").write_text(
        """<annotation><object><bndbox><ymax>40.5</ymax><xmax>30</xmax><ymin>2</ymin><xmin>1.25</xmin></bndbox>
        <part><name>tail</name><bndbox><xmin>0</xmin></bndbox></part><difficult>1</difficult><name> big
        cat </name></object><size><depth>3</depth><height>48</height><width>64</width></size>
        <object><truncated>1</truncated><name>dog</name><bndbox><xmin>5</xmin><xmax>9</xmax><ymin>6</ymin>
        <ymax>10</ymax></bndbox></object></annotation>"""
    )
    example, problems = read_one(tmp_path)
    assert problems == ()
    first, second = example.boxes
    assert (first.label, first.box) == ("big cat", Box(1.25, 2, 30, 40.5))
    assert (first.difficult, first.truncated) == (True, False)
    assert (second.label, second.box, second.difficult, second.truncated) == ("dog", Box(5, 6, 9, 10), False, True)


def test_image_by_stem_then_by_filename_tag(tmp_path):
    image(tmp_path / "a.png")
    annotation(tmp_path / "a.xml", filename="b.jpg")
    image(tmp_path / "b.jpg", seed=1)
    assert read_one(tmp_path)[0].image.name == "a.png"
    (tmp_path / "a.png").unlink()
    shutil.move(tmp_path / "b.jpg", tmp_path / "b.JPG")
    annotation(tmp_path / "a.xml", filename=r"C:\pictures\b.jpg")
    assert read_one(tmp_path)[0].image.name == "b.JPG"


def test_two_annotations_of_one_image_are_refused(tmp_path):
    image(tmp_path / "a.jpg")
    annotation(tmp_path / "a.xml")
    annotation(tmp_path / "b.xml", [("dog", 1, 2, 9, 9)], filename="a.jpg")
    with pytest.raises(InputError, match=r"b.xml: its image a.jpg belongs to a.xml already"):
        pascal_voc.read(tmp_path)


def test_image_that_may_be_two_is_refused(tmp_path):
    annotation(tmp_path / "x/a.xml", filename="a")
    image(tmp_path / "y/a.jpg")
    image(tmp_path / "z/a.jpg")
    with pytest.raises(InputError, match=r"may be y/a.jpg or z/a.jpg"):
        pascal_voc.read(tmp_path)


def test_hidden_files_and_resource_forks_are_not_data(tmp_path):
    data_set(tmp_path, 2)
    (tmp_path / ".idea").mkdir()
    (tmp_path / ".idea/workspace.xml").write_text("<project/>")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX/p0.xml").write_text("junk")
    (tmp_path / "annotations/._p0.xml").write_text("junk")
    assert len(pascal_voc.read(tmp_path).train) == 2


def test_image_whose_boxes_are_all_bad_is_not_taken_for_background(tmp_path):
    data_set(tmp_path, 50)
    annotation(tmp_path / "annotations/p7.xml", [("cat", 5, 5, 5, 9)])
    splits = pascal_voc.read(tmp_path)
    assert len(splits.train) == 49 and all(example.boxes for example in splits.train)
    assert len(splits.problems) == 2


def test_image_without_objects_is_background(tmp_path):
    data_set(tmp_path, 4)
    annotation(tmp_path / "annotations/p1.xml", [])
    assert [len(example.boxes) for example in pascal_voc.read(tmp_path).train] == [1, 0, 1, 1]


@pytest.mark.parametrize("size", ["", "<size><width>0</width><height>0</height><depth>3</depth></size>"])
def test_annotation_that_does_not_say_the_size(tmp_path, size):
    data_set(tmp_path, 1)
    path = tmp_path / "annotations/p0.xml"
    text = path.read_text()
    path.write_text(text[: text.index("<size>")] + size + text[text.index("</size>") + 7 :])
    example, problems = read_one(tmp_path)
    assert (example.width, example.height, problems) == (64, 48, ())


@pytest.mark.parametrize(("size", "orientation"), [((64, 48), 1), ((48, 64), 6)])
def test_exif_is_applied_unless_the_boxes_were_drawn_on_stored_pixels(tmp_path, size, orientation):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((48, 64, 3), np.uint8)).save(tmp_path / "a.jpg", exif=exif)
    annotation(tmp_path / "a.xml", size=size)
    example, _ = read_one(tmp_path)
    assert (example.width, example.height, example.orientation) == (*size, orientation)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "iso-8859-1"])
def test_encodings(tmp_path, encoding):
    data_set(tmp_path, 1, boxes=[("Käse", 4, 5, 30, 28)])
    path = tmp_path / "annotations/p0.xml"
    declaration = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>'
    path.write_bytes((declaration + path.read_text()).encode(encoding))
    assert read_one(tmp_path)[0].boxes[0].label == "Käse"


def test_linked_folders_are_followed_once(tmp_path):
    data_set(tmp_path / "elsewhere", 3)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/annotations").symlink_to(tmp_path / "elsewhere/annotations")
    (tmp_path / "data/images").symlink_to(tmp_path / "elsewhere/images")
    (tmp_path / "data/loop").symlink_to(tmp_path / "data")
    assert len(pascal_voc.read(tmp_path / "data").train) == 3


def test_annotations_left_behind_by_images_that_were_moved(tmp_path):
    """Who divides images by hand copies all XML files into both folders, and then takes images out of one."""
    folder = make.write("pascal_voc", tmp_path / "data", samples(6, 2))
    for name in ("p0", "p1", "p2"):
        text = (folder / "train" / f"{name}.xml").read_text()
        (folder / "valid" / f"{name}.xml").write_text(text.replace("<xmin>4<", "<xmin>9<"))
    splits = pascal_voc.read(folder)
    assert (len(splits.train), len(splits.validation)) == (4, 2)
    assert splits.problems == (
        "not used, because their images are in another part, with annotations of their own: 3 XML files (valid/p0.xml)",
    )
    # One whose image is nowhere is missing as ever.
    (folder / "valid" / "p4.jpg").unlink()
    assert "valid/p4.xml: its image is missing" in " ".join(pascal_voc.read(folder).problems)
