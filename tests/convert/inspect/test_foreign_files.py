"""Files of other networks than the kit's."""

from __future__ import annotations

import numpy as np
import pytest

from convert.inspect import inspection
from convert.inspect.text import as_text
from runtime.model.tflite import Model
from tests.support import tiny_detector
from tests.support.model_maker import detector_metadata

RUNTIME = "runtime of this kit"
YOLO = [("out", np.zeros((1, 6, 64), np.float32))]
TWO = [("scores", np.zeros((1, 64, 2), np.float32)), ("boxes", np.zeros((1, 64, 4), np.float32))]


def test_a_yolo_file_is_called_one_and_its_names_are_read():
    names = b"{'task': 'detect', 'names': {0: 'apple', 1: 'pear'}}"
    metadata = tiny_detector.metadata(outputs=("out", ""), label_files=[("temp_meta.txt", "")])
    found = inspection.inspect(Model.parse(tiny_detector.build(YOLO, metadata=metadata, files={"temp_meta.txt": names})))
    assert found.labels.names == ("apple", "pear")
    (runs,) = (verdict for verdict in found.verdicts if verdict.works)
    assert runs.consumer == RUNTIME and "4 + 2 values for each of 64 anchors" in runs.note
    assert all("YOLO-style detector (4 + 2 values" in verdict.why for verdict in found.verdicts if verdict != runs)
    assert "none: the raw output of a YOLOv8-style detector" in as_text(found)


@pytest.mark.parametrize("name", ["metadata.json", "metadata.yaml", "temp_meta.txt"])
def test_names_that_exporters_append_are_read_without_metadata(name):
    names = b"task: detect\nnames:\n  0: apple\n  1: pear\n" if name.endswith("yaml") else b'{"names": {"0": "apple", "1": "pear"}}'
    found = inspection.inspect(Model.parse(tiny_detector.build(YOLO, files={name: names})))
    assert found.labels.names == ("apple", "pear")


@pytest.mark.parametrize("anchors", [True, False])
def test_two_outputs_are_decoded_whose_anchors_are_in_the_metadata(anchors):
    custom = {"DETECTOR_METADATA": detector_metadata([(0.5, 0.5, 0.1, 0.1)] * 64, 2)} if anchors else {}
    metadata = tiny_detector.metadata(outputs=("score", "location"), custom=custom)
    found = inspection.inspect(Model.parse(tiny_detector.build(TWO, metadata=metadata)))
    works = {verdict.consumer for verdict in found.verdicts if verdict.works}
    assert works == ({"MediaPipe ObjectDetector", RUNTIME} if anchors else set())
    (runtime,) = (verdict for verdict in found.verdicts if verdict.consumer == RUNTIME)
    assert anchors or "export_model" in runtime.fix


def test_why_the_runtime_cannot_run_a_file_of_a_kind_that_it_knows():
    names = b"{'task': 'segment', 'names': {0: 'apple', 1: 'pear'}}"
    found = inspection.inspect(Model.parse(tiny_detector.build(YOLO, files={"temp_meta.txt": names})))
    (runtime,) = (verdict for verdict in found.verdicts if verdict.consumer == RUNTIME)
    assert not runtime.works and runtime.why.startswith("it is a YOLO network for the task 'segment'")


def test_of_an_unknown_network_only_its_range_is_told(monkeypatch):
    monkeypatch.setattr(inspection.anatomy, "input_range", lambda tensor: (0.0, 1.0))
    found = inspection.inspect(Model.parse(tiny_detector.build(YOLO)))
    assert found.calibration == "its input means 0..1" and "SSD MobileNet" not in as_text(found)
