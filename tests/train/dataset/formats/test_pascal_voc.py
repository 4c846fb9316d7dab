from __future__ import annotations

import random
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from runtime.common.errors import InputError, KitError
from runtime.common.values import Box
from tests.support.voc_samples import BOX, annotation, data_set, image
from train import open_dataset
from train.dataset.formats import pascal_voc

GOOD = [BOX] * 40


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def read_one(folder: Path):
    """The first example of `folder`, and the problems."""
    splits = pascal_voc.read(folder)
    return splits.train[0], splits.problems


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
    assert splits.problems == ("kept out of training and validation, because in a folder named test: 1 images",)


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
    assert [example.id for example in splits.validation] == ["p2", "p1"]
    assert "p1" in splits.problems[0]


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
    annotation(tmp_path / "b.xml", filename="a.jpg")
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


def break_xml(folder):
    (folder / "annotations/p1.xml").write_text("<annotation><object>")


def break_root(folder):
    (folder / "annotations/p1.xml").write_text("<html/>")


def break_entities(folder):
    (folder / "annotations/p1.xml").write_text('<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>')


def break_missing(folder):
    (folder / "images/p1.jpg").unlink()


def break_truncated(folder):
    path = folder / "images/p1.jpg"
    path.write_bytes(path.read_bytes()[:-200])


def break_empty(folder):
    (folder / "images/p1.jpg").write_bytes(b"")


def break_text(folder):
    (folder / "images/p1.jpg").write_text("<html>404</html>")


def break_size(folder):
    image(folder / "images/p1.jpg", 32, 48)


def break_size_tag(folder):
    path = folder / "annotations/p1.xml"
    path.write_text(path.read_text().replace("<width>64</width>", "<width>wide</width>"))


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (break_xml, r"annotations/p1.xml: not XML \(.+\)"),
        (break_root, "annotations/p1.xml: not a PASCAL VOC annotation: its root is <html>"),
        (break_entities, "annotations/p1.xml: declares XML entities"),
        (break_missing, r"annotations/p1.xml: its image is missing: no p1.\* or 'p1.jpg'"),
        (break_truncated, "images/p1.jpg: the JPEG is cut off: it has no end marker"),
        (break_empty, "images/p1.jpg: the file is empty"),
        (break_text, "images/p1.jpg: neither JPEG nor PNG"),
        (break_size, "annotations/p1.xml: says 64 x 48, but images/p1.jpg is 32 x 48"),
        (break_size_tag, "annotations/p1.xml: its <size> has no <width> and <height> that are numbers"),
    ],
)
def test_bad_file(tmp_path, broken, message):
    """One of a few is refused; one of many is left out and reported."""
    few = data_set(tmp_path / "few", 4)
    broken(few)
    with pytest.raises(InputError, match=message) as error:
        open_dataset(few)
    assert "1 of 4 examples" in str(error.value) and "\n" not in str(error.value)

    many = data_set(tmp_path / "many", 100)
    broken(many)
    dataset = open_dataset(many)
    assert len(dataset.train + dataset.validation) == 99
    assert len(dataset.problems) == 1


@pytest.mark.parametrize(
    ("box", "message"),
    [
        (("cat", 9, 5, 9, 28), r"box 41 has no area \(xmin=9 ymin=5 xmax=9 ymax=28\)"),
        (("cat", 30, 5, 9, 28), "box 41 has no area"),
        (("cat", 4, 5, 812, 28), "box 41 ends at x=812, but images/p0.jpg is 64 wide"),
        (("cat", 4, 5, 30, 50), "box 41 ends at y=50, but images/p0.jpg is 48 high"),
        (("cat", -9, 5, 30, 28), "box 41 starts at x=-9, but images/p0.jpg is 64 wide"),
        (("cat", 64, 5, 65, 28), "box 41 starts at x=64"),
        (("cat", "nan", 5, 30, 28), "box 41 has xmin='nan'"),
        (("cat", 4, 5, "1e999", 28), "box 41 has xmax='1e999'"),
        (("cat", 4, "", 30, 28), "box 41 has no <ymin>"),
        (("cat", 4, "five", 30, 28), "box 41 has ymin='five'"),
        (("  ", 4, 5, 30, 28), "box 41 has no <name>"),
    ],
)
def test_bad_box(tmp_path, box, message):
    """Few are left out and reported, each with its number; many are refused."""
    data_set(tmp_path / "one", 1, boxes=[*GOOD, box])
    example, problems = read_one(tmp_path / "one")
    assert len(example.boxes) == 40
    assert len(problems) == 1
    assert re.match(f"annotations/p0.xml: {message}", problems[0])

    data_set(tmp_path / "all", 2, boxes=[BOX, box])
    with pytest.raises(InputError, match="2 of 4 boxes"):
        pascal_voc.read(tmp_path / "all")


def test_object_without_bndbox(tmp_path):
    data_set(tmp_path, 1, boxes=GOOD)
    path = tmp_path / "annotations/p0.xml"
    path.write_text(path.read_text().replace("</annotation>", "<object><name>cat</name></object></annotation>"))
    assert read_one(tmp_path)[1] == ("annotations/p0.xml: box 41 has no <bndbox>",)


def test_box_one_pixel_outside_is_clipped_silently(tmp_path):
    data_set(tmp_path, 1, boxes=[("cat", -1, 0, 65, 49)])
    example, problems = read_one(tmp_path)
    assert (example.boxes[0].box, problems) == (Box(0, 0, 64, 48), ())


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


def test_mutated_annotations_end_in_examples_or_in_one_line(tmp_path):
    """No other exception, whatever the bytes are."""
    source = data_set(tmp_path, 1, boxes=[BOX, BOX])
    path = source / "annotations/p0.xml"
    good = path.read_bytes()
    rng = random.Random(0)
    inserts = [b"", b"<", b"&", b"\0", b"\xff", b"nan", b"-", b"9" * 400]
    for _ in range(300):
        data = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(data))
            data[at : at + rng.randint(0, 5)] = rng.choice(inserts)
        path.write_bytes(data)
        try:
            examples = pascal_voc.read(source).train
        except KitError as error:
            message = str(error)
            assert "\n" not in message
            continue
        for item in (item for example in examples for item in example.boxes):
            assert 0 <= item.box.xmin < item.box.xmax <= 64 and 0 <= item.box.ymin < item.box.ymax <= 48

