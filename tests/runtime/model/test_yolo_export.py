from __future__ import annotations

import pytest

from runtime.model import labels, yolo_export
from runtime.model.tflite import Model
from tests.support import tiny_detector

JSON = b'{"task": "pose", "imgsz": [32, 32], "names": {"0": "apple", "1": "pear"}}'
YAML = b"description: fruit\ntask: pose\nnames:\n  0: apple\n  1: pear\n"
PYTHON = b"{'task': 'pose', 'names': {0: 'apple', 1: 'pear'}}"


def model(files):
    return Model.parse(tiny_detector.build(files=files))


@pytest.mark.parametrize(
    ("name", "text"), [("metadata.json", JSON), ("metadata.yaml", YAML), ("temp_meta.txt", PYTHON), ("meta.txt", PYTHON)]
)
def test_names_and_task_are_read(name, text):
    found = model({name: text})
    assert yolo_export.names(found) == ("apple", "pear") and yolo_export.task(found) == "pose"
    assert labels.find(found, None).labels.names == ("apple", "pear")


@pytest.mark.parametrize(
    "files",
    [{}, {"metadata.json": b'{"author": "me"}'}, {"metadata.json": b'{"names": []}'}, {"notes.txt": JSON}, {"meta.txt": b"\xff[{"}],
)
def test_other_files_are_no_description(files):
    assert yolo_export.names(model(files)) is None and yolo_export.task(model(files)) == "detect"
