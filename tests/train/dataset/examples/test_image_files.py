from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from runtime.common.errors import InputError
from tests.support import format_samples as make
from train.dataset.examples.image_files import File, ImageFiles
from train.dataset.formats import pascal_voc

ACCENTED = "\u00dcbung \u00e9"


def images(*names: str) -> ImageFiles:
    return ImageFiles([File(Path("/data", name), Path(name)) for name in names], "data")


@pytest.mark.parametrize(
    ("file", "written"),
    [
        ("images/p0.jpg", "p0.jpg"),
        ("images/p0.jpg", "p0"),
        ("images/p0.JPG", "p0.jpg"),
        ("images/P0.jpg", "p0.JPG"),
        ("images/p0.jpg", "p0.heic"),
        ("images/p0.tif", "p0.tif"),
        ("images/a b.jpg", "a%20b.jpg"),
        ("images/a%20b.jpg", "a%20b.jpg"),
        ("images/a#1.jpg", "a%231.jpg"),
        ("images/a#1.jpg", "a#1.jpg"),
        ("images/p0.jpg", "https://example.org/x/p0.jpg?width=80"),
        ("images/p0.jpg", "/data/local-files/?d=folder/p0.jpg"),
        ("images/p0.jpg", "/data/upload/3/0f3e2d1c-p0.jpg"),
        ("images/0f3e2d1c-p0.jpg", "p0.jpg"),
        (unicodedata.normalize("NFD", ACCENTED) + ".jpg", unicodedata.normalize("NFC", ACCENTED) + ".jpg"),
        (unicodedata.normalize("NFC", ACCENTED) + ".jpg", unicodedata.normalize("NFD", ACCENTED) + ".JPG"),
    ],
)
def test_names_as_other_systems_write_them(file, written):
    found = images(file, "images/other.jpg")
    assert found.find(written, Path("a.csv"), "a.csv").name == Path(file)
    assert found.has(written) and found.count_named([written]) == 1


@pytest.mark.parametrize("masks", ["data/my_masks", "SegmentationClass", "mask"])
def test_a_mask_of_the_same_name_is_not_the_image(masks):
    found = images(f"{masks}/p0.jpg", "raw/kinds/p0.jpg", "data/my_images/p0.jpg")
    assert found.find("p0.jpg", Path("annotations/a.json"), "a.json").name == Path("data/my_images/p0.jpg")
    assert images(f"{masks}/p0.jpg").find("p0.jpg", Path("a.json"), "a.json").name == Path(masks, "p0.jpg")


def test_the_exact_name_comes_first():
    found = images("P0.jpg", "p0.jpg", "0f3e2d1c-p0.jpg", "p0.png")
    for name in ("P0.jpg", "p0.jpg", "0f3e2d1c-p0.jpg", "p0.png"):
        assert found.find(name, Path("a.csv"), "a.csv").name == Path(name)


@pytest.mark.parametrize("written", ["", "/", "p1.jpg", "%", "?d=", "#", "%00", "p0.jpg/..", "x" * 5000])
def test_what_is_not_there(written):
    found = images("p0.jpg")
    assert not found.has(written) or written == "p0.jpg/.."
    if not found.has(written):
        with pytest.raises(InputError, match="line 1: its image is missing"):
            found.find(written, Path("a.csv"), "line 1")


def test_an_image_of_a_kind_that_is_not_read_is_found_only_where_there_is_no_other():
    assert images("p0.heic").find("p0.jpg", Path("a.csv"), "").name == Path("p0.heic")
    assert images("p0.heic", "p0.png").find("p0.jpg", Path("a.csv"), "").name == Path("p0.png")
    assert images("p0.heic").count_named(["p0.heic"]) == 0


@pytest.mark.parametrize(("suffix", "start"), [("heic", b"\0\0\0\x18ftypheic"), ("avif", b"\0\0\0\x18ftypavif")])
def test_a_photograph_of_a_phone_is_named_as_what_it_is(tmp_path, suffix, start):
    folder = make.write("pascal_voc", tmp_path / "data", make.samples(4))
    (folder / "train/p0.jpg").unlink()
    (folder / f"train/p0.{suffix}").write_bytes(start + bytes(50))
    splits = pascal_voc.read(folder)
    assert f"train/p0.{suffix}: is {suffix.upper()}, which is not read; convert it" in splits.problems[0]


def test_names_that_differ_in_a_code_alone_are_different_images():
    """UUIDs of one minute end alike; Label Studio's code has as many digits as their first part."""
    found = images("a/09db550c-679d-11e5-90f4-40f2e96c8ad8.jpg", "a/0809ed42-679d-11e5-90f4-40f2e96c8ad8.jpg")
    assert not found.has("55545fa2-679d-11e5-90f4-40f2e96c8ad8.jpg")
    assert found.find("09DB550C-679d-11e5-90f4-40f2e96c8ad8", Path("a.csv"), "a.csv").name.stem.startswith("09db550c")


def test_an_image_below_the_folder_of_its_annotation_comes_before_others():
    found = images("images/p0.jpg", "models/test_images/p0.jpg")
    assert found.find("p0.jpg", Path("images/test_labels.csv"), "").name == Path("images/p0.jpg")


def test_of_images_equally_near_the_one_among_images_is_meant():
    found = images("images/p0.jpg", "results/p0.jpg")
    assert found.find("p0.jpg", Path("annotations/train/p0.xml"), "").name == Path("images/p0.jpg")
    with pytest.raises(InputError, match=r"p0.xml: its image may be a/p0.jpg or b/p0.jpg; remove one"):
        images("a/p0.jpg", "b/p0.jpg").find("p0.jpg", Path("x/p0.xml"), "p0.xml")
