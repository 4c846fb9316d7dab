"""Several data sets that are read, checked and trained on as one."""

from __future__ import annotations

import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from runtime.common.errors import InputError
from runtime.common.values import Box
from train.check.statistics.dataset_statistics import gather
from train.dataset import several
from train.dataset.dataset import open_dataset
from train.dataset.examples.example import LabelledBox
from train.dataset.writers.pascal_voc import annotation

BOX = Box(4, 4, 40, 40)


def data(root: Path, name: str, images: dict[str, list[str]], lists: dict[str, list[str]] | None = None) -> Path:
    """A data set in PASCAL VOC with `images`, classes by name, whose content depends on the names of both."""
    folder = root / name
    for part in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (folder / part).mkdir(parents=True)
    for image, labels in images.items():
        pixels = np.random.default_rng(zlib.crc32(f"{name} {image}".encode())).integers(0, 255, (60, 80, 3)).astype(np.uint8)
        cv2.imwrite(str(folder / "JPEGImages" / f"{image}.jpg"), pixels)
        text = annotation(f"{image}.jpg", (80, 60), [LabelledBox(label, BOX) for label in labels])
        (folder / "Annotations" / f"{image}.xml").write_bytes(text)
    for part, names in (lists or {}).items():
        (folder / "ImageSets" / "Main" / f"{part}.txt").write_text("".join(f"{item}\n" for item in names))
    return folder


def ids(examples):
    return [example.id for example in examples]


def numbered(count: int, *labels: str) -> dict[str, list[str]]:
    return {f"{number:03d}": list(labels) for number in range(count)}


def test_images_of_one_name_in_two_data_sets_are_two_images(tmp_path):
    one, other = data(tmp_path, "one", numbered(10, "car")), data(tmp_path, "other", numbered(20, "dog"))
    found = open_dataset([one, other])
    assert len(found.train) + len(found.validation) == 30 and found.labels.names == ("car", "dog")
    assert len(set(ids((*found.train, *found.validation)))) == 30
    assert found.name == "one+other" and len(found.validation) == 6
    # The same again, whatever the order of the files.
    assert ids(open_dataset([one, other]).validation) == ids(found.validation)


def test_a_single_data_set_in_a_list_is_that_data_set(tmp_path):
    one = data(tmp_path, "one", numbered(10, "car"))
    assert open_dataset([one]) == open_dataset(one)


def test_where_one_has_a_split_the_other_is_divided_too(tmp_path):
    split = {"train": ["000", "001", "002"], "val": ["003"]}
    one, other = data(tmp_path, "one", numbered(4, "car"), split), data(tmp_path, "other", numbered(20, "dog"))
    found = open_dataset([one, other])
    validation = ids(found.validation)
    assert sum(id.startswith("one/") for id in validation) == 1 and "one/003" in "".join(validation)
    assert sum(id.startswith("other/") for id in validation) == 4


def test_a_copy_in_another_data_set_is_kept_out_of_training(tmp_path):
    """AP would be measured on an image of training."""
    split = {"train": ["000", "001", "002"], "val": ["003", "004"]}
    one, other = data(tmp_path, "one", numbered(5, "car"), split), data(tmp_path, "other", numbered(20, "dog"))
    (other / "JPEGImages" / "000.jpg").write_bytes((one / "JPEGImages" / "003.jpg").read_bytes())
    found = open_dataset([one, other])
    assert "other/000" not in "".join(ids(found.train))
    assert any("kept out of training" in line for line in found.problems)


def test_images_that_several_have_are_told_with_whether_their_boxes_differ(tmp_path):
    split = {"train": [f"{number:03d}" for number in range(9)], "val": ["009"]}
    one, other = (data(tmp_path, name, numbered(10, "car"), split) for name in ("one", "other"))
    for number, differs in ((0, False), (1, True)):
        (other / "JPEGImages" / f"00{number}.jpg").write_bytes((one / "JPEGImages" / f"00{number}.jpg").read_bytes())
        if differs:
            path = other / "Annotations" / f"00{number}.xml"
            path.write_text(path.read_text().replace("<xmax>40</xmax>", "<xmax>60</xmax>"))
    (line,) = [line for line in open_dataset([one, other]).problems if "in several of the data sets" in line]
    assert line.startswith("2 images are") and line.endswith("1 of them have other boxes there")


def test_classes_are_renamed_joined_and_left_out(tmp_path):
    one, other = data(tmp_path, "one", numbered(10, "car", "tree")), data(tmp_path, "other", numbered(10, "auto", "dog"))
    names = tmp_path / "names.yaml"
    names.write_text("auto: car\ntree:\n")
    found = open_dataset([one, other], classes=names)
    assert found.labels.names == ("car", "dog")
    boxes = [box.label for example in (*found.train, *found.validation) for box in example.boxes]
    assert boxes.count("car") == 20 and boxes.count("dog") == 10 and len(boxes) == 30


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ca: vehicle", "no box is called 'ca'; did you mean car"),
        ("- car", "give classes one a line"),
        ("car: [a, b]", "becomes none"),
        ("", "give classes one a line"),
    ],
)
def test_wrong_names_of_classes_are_refused(tmp_path, text, message):
    one = data(tmp_path, "one", numbered(10, "car"))
    names = tmp_path / "names.yaml"
    names.write_text(text)
    with pytest.raises(InputError, match=message):
        open_dataset(one, classes=names)


def test_other_validation_data_has_the_same_names(tmp_path):
    one, other = data(tmp_path, "one", numbered(10, "auto", "dog")), data(tmp_path, "other", numbered(5, "auto"))
    names = tmp_path / "names.yaml"
    names.write_text("auto: car\ndog: animal\n")
    found = open_dataset(one, validation=other, classes=names)
    assert found.labels.names == ("animal", "car") and {box.label for box in found.validation[0].boxes} == {"car"}


def test_data_sets_of_one_name_are_told_apart(tmp_path):
    first, second = data(tmp_path / "a", "set", numbered(10, "car")), data(tmp_path / "b", "set", numbered(10, "dog"))
    found = open_dataset([first, second])
    assert {id.partition("/")[0] for id in ids((*found.train, *found.validation))} == {"set1", "set2"}


def test_the_check_reads_several_as_training_does(tmp_path):
    one, other = data(tmp_path, "one", numbered(10, "car")), data(tmp_path, "other", numbered(20, "dog"))
    statistics = gather([one, other], progress=False)
    assert statistics.name == "one+other" and len(statistics.in_split("validation")) == 6
    assert sorted(statistics.labels) == ["car", "dog"]


def test_the_order_of_numbered_classes_is_that_of_the_first_that_has_them(tmp_path):
    from train.dataset.formats import Splits

    parts = [(Path("a"), Splits((), labels=("z", "b"))), (Path("b"), Splits((), labels=("b", "a")))]
    assert several.joined(parts, share=0.2, seed=0).labels == ("z", "b", "a")
