"""PASCAL VOC: damaged files and bad boxes are named in one line."""

from __future__ import annotations

import random
import re

import pytest

from runtime.common.errors import InputError, KitError
from runtime.common.values import Box
from tests.support.voc_samples import BOX, data_set, image, read_one
from train import open_dataset
from train.dataset.formats import pascal_voc

GOOD = [BOX] * 40


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


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
    ],
)
def test_bad_file(tmp_path, broken, message):
    """One of a few is left out and reported, or refused if nothing bad is allowed."""
    few = data_set(tmp_path / "few", 4)
    broken(few)
    with pytest.raises(InputError, match=message) as error:
        open_dataset(few, allow_bad=0)
    assert "1 of 4 examples" in str(error.value) and "\n" not in str(error.value)

    dataset = open_dataset(few)
    assert len(dataset.train + dataset.validation) == 3
    assert len(dataset.problems) == 1


@pytest.mark.parametrize(
    ("box", "message"),
    [
        (("cat", 9, 5, 9, 28), r"box 41 has no area \(xmin=9 ymin=5 xmax=9 ymax=28\)"),
        (("cat", 4, 5, 812, 28), "box 41 ends at x=812, but images/p0.jpg is 64 wide"),
        (("cat", 4, 5, 30, 99), "box 41 ends at y=99, but images/p0.jpg is 48 high"),
        (("cat", -29, 5, 25, 28), "box 41 starts at x=-29, but images/p0.jpg is 64 wide"),
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
    assert read_one(tmp_path)[1] == ("annotations/p0.xml: box 41 has no <bndbox> and no <polygon>",)


def test_box_one_pixel_outside_is_clipped_silently(tmp_path):
    data_set(tmp_path, 1, boxes=[("cat", -1, 0, 65, 49)])
    example, problems = read_one(tmp_path)
    assert (example.boxes[0].box, problems) == (Box(0, 0, 64, 48), ())


SHAPES = (
    "<polygon><x1>4</x1><y1>5</y1><x2>30.5</x2><y2>9</y2><x3>12</x3><y3>28</y3></polygon>",
    "<polygon><pt><x>4</x><y>5</y></pt><pt><x>30</x><y>9</y></pt><pt><x>9</x><y>28</y></pt></polygon>",
    "<robndbox><cx>20</cx><cy>24</cy><w>10</w><h>20</h><angle>1.57</angle></robndbox>",
)


@pytest.mark.parametrize("shapes", [(), SHAPES], ids=["boxes", "shapes"])
def test_mutated_annotations_end_in_examples_or_in_one_line(tmp_path, shapes):
    """No other exception, whatever the bytes are."""
    source = data_set(tmp_path, 1, boxes=[BOX, BOX])
    path = source / "annotations/p0.xml"
    others = "".join(f"<object><name>cat</name>{shape}</object>" for shape in shapes)
    good = path.read_text().replace("</annotation>", f"{others}</annotation>").encode()
    rng = random.Random(0)
    inserts = [b"", b"<", b"&", b"\0", b"\xff", b"nan", b"-", b"9" * 400]
    for _ in range(300):
        data = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(data))
            data[at : at + rng.randint(0, 5)] = rng.choice(inserts)
        path.write_bytes(data)
        try:
            pascal_voc.score(source)
            examples = pascal_voc.read(source).train
        except KitError as error:
            message = str(error)
            assert "\n" not in message
            continue
        for item in (item for example in examples for item in example.boxes):
            assert 0 <= item.box.xmin < item.box.xmax <= 64 and 0 <= item.box.ymin < item.box.ymax <= 48
