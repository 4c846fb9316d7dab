"""Where the parts of a model lie, and how its classes are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from convert.object_detection_api import folder
from convert.object_detection_api.pipeline import Pipeline
from runtime.common.errors import InputError
from tests.support.api_model import PIPELINE
from train import models
from train.checkpoints.coco_labels import COCO_LABELS

NETWORK = models.find("ssd_mobilenet_v2_fpnlite")
MAP = "item { id: 1 name: 'apple' } item { id: 2 name: 'pear' }"


def described(home: Path, *maps: str) -> Pipeline:
    home.mkdir(parents=True, exist_ok=True)
    (home / "pipeline.config").write_text(PIPELINE)
    return Pipeline(home / "pipeline.config", NETWORK, NETWORK.sizes.default, 2, 0.0, 0.6, 100, maps)


def test_the_configuration_lies_in_the_folder_or_beside_an_inner_one(tmp_path):
    path = described(tmp_path / "model").path
    (path.parent / "saved_model").mkdir()
    assert folder.configuration(path.parent) == path
    assert folder.configuration(path.parent / "saved_model") == path
    assert folder.is_model(path.parent) and not folder.is_model(tmp_path)
    # Any other folder beside it is not a part of the model.
    (path.parent / "export").mkdir()
    with pytest.raises(InputError, match=r"no pipeline\.config here"):
        folder.configuration(path.parent / "export")
    with pytest.raises(InputError, match="no such folder"):
        folder.configuration(tmp_path / "nowhere")


def test_weights_that_are_missing_are_named(tmp_path):
    home = described(tmp_path).path.parent
    with pytest.raises(InputError, match="no checkpoint here"):
        folder.checkpoint(home)
    (home / "saved_model").mkdir()
    (home / "saved_model" / "saved_model.pb").write_bytes(b"")
    with pytest.raises(InputError, match=r"no variables/variables.index.*checkpoint/ckpt-0.index"):
        folder.checkpoint(home)


@pytest.mark.parametrize(
    "place", ["m.pbtxt", "annotations/m.pbtxt", "../m.pbtxt", "../annotations/m.pbtxt", "../data/m.pbtxt"]
)
@pytest.mark.parametrize("written", ["/home/someone/m.pbtxt", "C:\\work\\m.pbtxt", "annotations/m.pbtxt"])
def test_the_label_map_is_found_by_its_name(place, written, tmp_path):
    found = described(tmp_path / "model", written)
    file = tmp_path / "model" / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(MAP)
    labels, path = folder.labels(found, 2)
    assert labels.names == ("apple", "pear") and path.samefile(file)


def test_the_label_map_may_lie_with_the_data(tmp_path):
    found = described(tmp_path / "a" / "b" / "model", "x/m.pbtxt")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "m.pbtxt").write_text(MAP)
    assert folder.labels(found, 2, near=(tmp_path / "data",))[0].names == ("apple", "pear")


def test_the_only_file_of_names_beside_the_configuration_is_taken(tmp_path):
    found = described(tmp_path / "model")
    (tmp_path / "model" / "labels.txt").write_text("apple\npear\n")
    assert folder.labels(found, 2)[0].names == ("apple", "pear")
    (tmp_path / "model" / "other.pbtxt").write_text(MAP)
    with pytest.raises(InputError, match=r"labels.txt, other.pbtxt|other.pbtxt, labels.txt"):
        folder.labels(found, 2)
    # A file that is named is taken all the same.
    assert folder.labels(found, 2, given=tmp_path / "model" / "other.pbtxt")[0].names == ("apple", "pear")


def test_ids_count(tmp_path):
    """By id, not by the order in the file; the background's is left out, and a gap has TensorFlow's name."""
    found = described(tmp_path)
    items = "item { id: 3 name: 'c' } item { id: 0 name: 'nothing' } item { id: 1 name: 'a' }"
    (tmp_path / "m.pbtxt").write_text(items)
    assert folder.labels(found, 3)[0].names == ("a", "???", "c")


@pytest.mark.parametrize("classes", [1, 3])
def test_another_number_of_names_is_refused(classes, tmp_path):
    found = described(tmp_path)
    (tmp_path / "m.pbtxt").write_text(MAP)
    with pytest.raises(InputError, match=f"m.pbtxt: names 2 classes, but the model has {classes}"):
        folder.labels(found, classes)


def test_without_names_only_cocos_classes_are_known(tmp_path):
    found = described(tmp_path / "model", "x/m.pbtxt")
    assert folder.labels(found, 90) == (COCO_LABELS, None)
    with pytest.raises(InputError, match=r"x/m.pbtxt.*--labels"):
        folder.labels(found, 2)
