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
