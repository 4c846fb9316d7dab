from __future__ import annotations

import pytest

from runtime import InputError, Labels
from runtime.model import labels
from runtime.model.metadata import Metadata
from runtime.model.tflite import Model
from tests.support import tiny_detector

NAMES = ("location", "category", "score", "number of detections")


def find(path, given=None):
    model = Model.read(path)
    return labels.find(model, Metadata.of(model), given)


@pytest.fixture
def bare(tmp_path):
    path = tmp_path / "fruit.tflite"
    path.write_bytes(tiny_detector.build())
    return path


@pytest.fixture
def labelled(tmp_path):
    path = tmp_path / "labelled.tflite"
    metadata = tiny_detector.metadata(outputs=NAMES, label_files=[("de.txt", "de"), ("en.txt", "")])
    path.write_bytes(tiny_detector.build(metadata=metadata, files={"de.txt": b"Katze\n", "en.txt": b"cat\n"}))
    return path


def test_without_labels_classes_are_named_by_number(bare):
    found = find(bare)
    assert found.where == "" and found.labels[3] == "class 3"


def test_files_beside_the_model_are_searched_in_order(bare):
    for name in ("labelmap.txt", "labels.txt", "fruit.txt", "fruit_labels.txt"):
        bare.with_name(name).write_text(f"from {name}\n")
        assert find(bare).labels.names == (f"from {name}",)


def test_labels_in_the_model_come_before_files_beside_it(labelled):
    labelled.with_name("labels.txt").write_text("beside\n")
    found = find(labelled)
    assert found.labels.names == ("cat",)
    assert found.where == f"en.txt in {labelled}"


def test_given_labels_come_first(labelled, tmp_path):
    mine = tmp_path / "mine.txt"
    mine.write_text("mine\n")
    assert find(labelled, mine).labels.names == ("mine",)
    assert find(labelled, Labels(("x", "y"))).labels.names == ("x", "y")
    with pytest.raises(InputError, match=r"none\.txt"):
        find(labelled, tmp_path / "none.txt")


def test_a_label_file_that_the_metadata_names_must_be_there(tmp_path):
    path = tmp_path / "cut.tflite"
    path.write_bytes(tiny_detector.build(metadata=tiny_detector.metadata(outputs=NAMES, label_files=[("en.txt", "")])))
    with pytest.raises(InputError, match=r"names the label file en\.txt, which is not in it"):
        find(path)
    assert find(path, Labels(("x",))).labels.names == ("x",)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("cat\ndog\n", ("cat", "dog")),
        ("???\nperson\nbicycle\n", ("person", "bicycle")),
        ("background\r\nperson\r\n", ("person",)),
        ("person\n???\ncar\n", ("person", "???", "car")),
        ("background\n", ("background",)),
        ("0  person\n2  car\n", ("person", "class 1", "car")),
        ("0: person\n1: car\n", ("person", "car")),
        ("1 euro\n2 euro\n", ("1 euro", "2 euro")),
        ("0 euro\nnothing\n", ("0 euro", "nothing")),
    ],
)
def test_formats_of_label_files(text, names):
    assert labels.parse(text, "x").names == names


def test_empty_labels_are_refused():
    with pytest.raises(InputError, match="no labels"):
        labels.parse("\n\n", "x.txt")


def test_a_list_of_another_length_than_the_model_has_classes_is_told():
    given = labels.FoundLabels(Labels(tuple(map(str, range(80)))), "coco.txt")
    assert labels.mismatch(given, 80) == labels.mismatch(given, None) == ""
    assert labels.mismatch(labels.FoundLabels(Labels(()), ""), 90) == ""
    assert labels.mismatch(given, 90).startswith("coco.txt: 80 names, but the model has 90 classes")
    assert "1 name," in labels.mismatch(labels.FoundLabels(Labels(("x",)), "x.txt"), 4)
