"""Files of other networks than the kit's."""

from __future__ import annotations

import numpy as np
import pytest

from convert.inspect import inspection
from convert.inspect.text import as_text
from runtime.model.tflite import Model
from tests.support import tiny_detector

YOLO = [("out", np.zeros((1, 6, 64), np.float32))]
TWO = [("scores", np.zeros((1, 64, 2), np.float32)), ("boxes", np.zeros((1, 64, 4), np.float32))]


def test_a_yolo_file_is_called_one_and_its_names_are_read():
    names = b"{'task': 'detect', 'names': {0: 'apple', 1: 'pear'}}"
    metadata = tiny_detector.metadata(outputs=("out", ""), label_files=[("temp_meta.txt", "")])
    found = inspection.inspect(Model.parse(tiny_detector.build(YOLO, metadata=metadata, files={"temp_meta.txt": names})))
    assert found.labels.names == ("apple", "pear")
    assert all("YOLO-style detector (4 + 2 values" in verdict.why for verdict in found.verdicts)


@pytest.mark.parametrize("anchors", [True, False])
def test_mediapipe_decodes_two_outputs_whose_anchors_are_in_the_metadata(anchors):
    metadata = tiny_detector.metadata(outputs=("DETECTOR_METADATA" if anchors else "scores", "boxes"))
    found = inspection.inspect(Model.parse(tiny_detector.build(TWO, metadata=metadata)))
    works = {verdict.consumer for verdict in found.verdicts if verdict.works}
    assert works == ({"MediaPipe ObjectDetector"} if anchors else set())


def test_of_an_unknown_network_only_its_range_is_told(monkeypatch):
    monkeypatch.setattr(inspection.anatomy, "input_range", lambda tensor: (0.0, 1.0))
    found = inspection.inspect(Model.parse(tiny_detector.build(YOLO)))
    assert found.calibration == "its input means 0..1" and "SSD MobileNet" not in as_text(found)
