from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from runtime.common.errors import InputError
from train.dataset.examples.foreign_paths import PathEnds, spellings
from train.dataset.examples.image_files import File, ImageFiles


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("images/1.jpg", ("images/1.jpg",)),
        (
            "file:///home/me/a%20b.jpg",
            ("file:///home/me/a%20b.jpg", "/home/me/a%20b.jpg", "file:///home/me/a b.jpg", "/home/me/a b.jpg"),
        ),
        ("gs://bucket/a.jpg", ("gs://bucket/a.jpg", "bucket/a.jpg")),
        ("https://host/a.jpg?X-Amz=1#b", ("https://host/a.jpg?X-Amz=1#b", "host/a.jpg")),
        ("/data/local-files/?d=shots/1.jpg", ("/data/local-files/?d=shots/1.jpg", "shots/1.jpg", "/data/local-files/")),
    ],
)
def test_spellings(written, expected):
    assert spellings(written) == expected


@pytest.mark.parametrize(
    "written",
    [
        "/content/drive/MyDrive/set/train/one%20a.jpg",
        "C:\\Users\\me\\train\\one a.jpg",
        "file:///home/me/train/one%20a.jpg",
        "gs://bucket/train/one a.jpg",
        "s3://bucket/TRAIN/ONE A.JPG",
        "/data/local-files/?d=train/one%20a.jpg",
        "https://host/x/train/one%20a.jpg?token=a/b.jpg",
    ],
)
def test_images_by_the_end_of_a_path(written):
    names = [Path("train/one a.jpg"), Path("valid/other.jpg")]
    images = ImageFiles([File(Path("/data") / name, name) for name in names], "data")
    assert images.find(written, Path("a.json"), "a.json").name == names[0]


def test_an_image_that_is_missing():
    images = ImageFiles([File(Path("/data/a.jpg"), Path("a.jpg"))], "data")
    for written in ("gs://bucket/gone.jpg", "..", ""):
        with pytest.raises(InputError, match=f"a.json: its image is missing: no '{written}' in data"):
            images.find(written, Path("a.json"), "a.json")


def test_accents_of_another_system():
    name = Path("cafe\u0301.jpg")
    images = ImageFiles([File(Path("/data") / name, name)], "data")
    assert images.find("caf\u00e9.jpg", Path("a.json"), "a.json").name == name


def test_folders_by_the_end_of_a_path():
    folders = PathEnds((PurePosixPath(name), name) for name in ("a/train/images", "a/valid/images", "a", "b/Train"))
    assert folders.longest("../train/images") == ["a/train/images"]
    assert folders.longest("D:\\sets\\valid\\images\\") == ["a/valid/images"]
    assert folders.longest("/content/images") == ["a/train/images", "a/valid/images"]
    assert folders.longest("file:///x/train") == ["b/Train"]
    assert folders.longest("..") == folders.longest("/content/none") == []
