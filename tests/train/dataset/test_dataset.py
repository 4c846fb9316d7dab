from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from google.protobuf import text_format
from google.protobuf.wrappers_pb2 import StringValue

from runtime.common.errors import InputError, KitError
from runtime.common.values import Labels
from tests.support.paths import ROOT
from tests.support.voc_samples import annotation, data_set
from train import open_dataset
from train.dataset import formats
from train.dataset.dataset import write_labels
from train.files import archives


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def ids(examples) -> list[str]:
    return [example.id for example in examples]


def test_opening_a_data_set_imports_no_tensorflow(tmp_path):
    data_set(tmp_path / "data")
    code = "import sys, train; train.open_dataset(sys.argv[1]); sys.exit('tensorflow' in sys.modules)"
    root = ROOT
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path / "data")], cwd=root).returncode == 0


def test_raccoon(shared):
    dataset = open_dataset(shared / "data/raccoon")
    assert (len(dataset.train), len(dataset.validation)) == (160, 40)
    assert sum(len(item.boxes) for item in dataset.train + dataset.validation) == 217
    assert dataset.labels == Labels(("raccoon",))
    assert (dataset.problems, dataset.name) == ((), "raccoon")


def test_bccd_uses_its_own_lists_and_leaves_two_boxes_out(shared):
    dataset = open_dataset(shared / "data/bccd")
    lists = shared / "data/bccd/ImageSets/Main"
    assert ids(dataset.train) == (lists / "trainval.txt").read_text().split()
    assert ids(dataset.validation) == (lists / "test.txt").read_text().split()
    assert sum(len(item.boxes) for item in dataset.train + dataset.validation) == 4888 - 2
    assert dataset.labels == Labels(("Platelets", "RBC", "WBC"))
    assert [line.split(":")[0] for line in dataset.problems] == [
        "Annotations/BloodImage_00338.xml",
        "Annotations/BloodImage_00343.xml",
    ]


def test_validation_of_other_classes_alone_is_refused(tmp_path):
    data = data_set(tmp_path / "data", 3)
    annotation(data / "annotations/p2.xml", [("zebra", 1, 1, 9, 9)])
    lists = data / "ImageSets/Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("p0\np1\n")
    (lists / "val.txt").write_text("p2\n")
    with pytest.raises(InputError, match=r"all boxes in validation are of classes without a box in training \('zebra'\)"):
        open_dataset(data)


def test_validation_from_another_data_set(tmp_path):
    data_set(tmp_path / "one", 4)
    data_set(tmp_path / "two", 3, seed=100)
    dataset = open_dataset(tmp_path / "one", validation=tmp_path / "two")
    assert (len(dataset.train), len(dataset.validation)) == (4, 3)
    assert dataset.validation[0].image.is_relative_to(tmp_path / "two")


@pytest.mark.parametrize("make", [lambda path: None, Path.mkdir, lambda path: path.write_text("text")])
def test_missing_data_set(tmp_path, make):
    path = tmp_path / "data"
    make(path)
    with pytest.raises(InputError, match=str(path)):
        open_dataset(path)


def test_unknown_format_names_those_that_exist(tmp_path):
    with pytest.raises(InputError, match="pascal_voc"):
        open_dataset(data_set(tmp_path / "data"), format="excel")


def test_formats_are_found_by_name():
    assert "pascal_voc" in formats.names()
    assert formats.find("pascal_voc").score


def test_labels_files(tmp_path):
    labels = Labels(("O'Neill's \\ cap", "Straße", "cat"))
    write_labels(labels, tmp_path)
    assert Labels.read(tmp_path / "labels.txt") == labels
    text = (tmp_path / "label_map.pbtxt").read_text(encoding="utf-8")
    assert text.startswith("item {\n  id: 1\n  name: ")
    names = [line.split(":", 1)[1] for line in text.splitlines() if "name:" in line]
    # protobuf's own parser undoes the escapes of any string field.
    assert [text_format.Parse(f"value: {name}", StringValue()).value for name in names] == list(labels)


def zipped(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in entries.items():
            file.writestr(name, data)
    return path


def contents(folder: Path, top: str = "") -> dict[str, bytes]:
    return {
        f"{top}{path.relative_to(folder).as_posix()}": path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("top", ["", "export/"])
def test_zip_reads_like_the_folder(tmp_path, top):
    data = data_set(tmp_path / "data")
    dataset = open_dataset(zipped(tmp_path / "data.zip", contents(data, top)))
    folder = open_dataset(data)
    assert (ids(dataset.train), ids(dataset.validation)) == (ids(folder.train), ids(folder.validation))
    assert dataset.name == "data"
    assert dataset.train[0].image.is_relative_to(tmp_path / "cache/edge-detection-kit")


def test_zips_of_images_and_annotations_in_one_folder(tmp_path):
    data = data_set(tmp_path / "data")
    folder = tmp_path / "zips"
    folder.mkdir()
    zipped(folder / "images.zip", contents(data / "images", "images/"))
    zipped(folder / "annotations.zip", contents(data / "annotations"))
    assert ids(open_dataset(folder).train) == ids(open_dataset(data).train)


@pytest.mark.parametrize("name", ["../out.xml", "/tmp/out.xml", "a/../../out.xml", "..\\out.xml", "C:\\out.xml"])
def test_zip_entry_outside_the_folder_is_refused(tmp_path, name):
    path = zipped(tmp_path / "data.zip", {name: b"x"})
    before = set(tmp_path.parent.rglob("out.xml"))
    with pytest.raises(InputError, match="outside"):
        archives.extract(path)
    assert set(tmp_path.parent.rglob("out.xml")) == before
    assert not any((tmp_path / "cache/edge-detection-kit/archives").iterdir())


def test_zip_with_a_link_is_refused(tmp_path):
    link = zipfile.ZipInfo("images")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as file:
        file.writestr(link, "/etc")
    with pytest.raises(InputError, match="link"):
        archives.extract(tmp_path / "data.zip")


def test_zip_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "RATIO_FREE_BYTES", 1 << 16)
    path = zipped(tmp_path / "data.zip", {"a.xml": bytes(1 << 20)})
    with pytest.raises(InputError, match="bomb"):
        archives.extract(path)
    monkeypatch.setattr(archives, "MAX_BYTES", 1 << 10)
    with pytest.raises(InputError, match="extract it yourself"):
        archives.extract(path)


def test_damaged_zip_is_refused_and_leaves_nothing(tmp_path):
    path = zipped(tmp_path / "data.zip", {"a.xml": os.urandom(5000), "b.xml": os.urandom(5000)})
    data = bytearray(path.read_bytes())
    data[2000] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(InputError, match="not a whole zip"):
        archives.extract(path)
    path.write_bytes(data[:3000])
    with pytest.raises(InputError, match="zip"):
        open_dataset(path)
    assert not any((tmp_path / "cache/edge-detection-kit/archives").iterdir())


def test_zip_with_the_same_entry_twice_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as file:
        file.writestr("a.xml", "1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            file.writestr("a.xml", "2")
    with pytest.raises(InputError, match="two entries"):
        archives.extract(tmp_path / "data.zip")


def test_cache_that_cannot_be_written_is_no_traceback(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(KitError, match="cannot extract"):
        archives.extract(zipped(tmp_path / "data.zip", {"a.xml": b"x"}))


def test_images_without_any_box_have_nothing_to_learn(tmp_path):
    data = data_set(tmp_path / "data", boxes=())
    with pytest.raises(InputError, match=r"box|split"):
        open_dataset(data)
