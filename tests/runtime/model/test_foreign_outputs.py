from __future__ import annotations

import numpy as np
import pytest

from runtime import Detector, InputError
from runtime.model import foreign_outputs
from tests.support import tiny_detector


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ([(1, 84, 8400)], "a YOLO-style detector (4 + 80 values for each of 8400 anchors)"),
        ([(1, 6300, 85)], "a YOLO-style detector (5 + 80 values for each of 6300 anchors)"),
        ([(1, 6, 64)], "4 + 2 values for each of 64"),
        ([(1, 1917, 3), (1, 1917, 4)], "the raw boxes and scores of 1917 anchors, as MediaPipe Model Maker"),
        ([(1, 1001)], "a classifier of 1001 classes"),
        ([(-1, 10)], "a classifier of 10 classes"),
        ([(1, 257, 257, 21)], "a model of segmentation, which gives each of 257 x 257 pixels"),
        ([(-1, 1, 17, 3)], "a model of a person's pose (17 keypoints)"),
        ([(1, 80, 80, 32), (1, 116, 8400)], "a YOLO model of segmentation"),
        ([(1, 116, 8400), (1, 1, 1, 32)], ""),
        ([(1, 8, 8, 27)], ""),
        ([(1, 1)], ""),
        ([], ""),
        ([(1, 25, 4), (1, 25), (1, 25)], ""),
    ],
)
def test_what_outputs_are(shapes, words):
    found = foreign_outputs.describe(shapes)
    assert words in found and bool(words) == bool(found)


def test_the_runtime_says_what_the_file_is_and_what_it_lacks(tmp_path):
    path = tmp_path / "maker.tflite"
    outputs = [("boxes", np.zeros((1, 64, 4), np.float32)), ("scores", np.zeros((1, 64, 2), np.float32))]
    path.write_bytes(tiny_detector.build(outputs))
    said = r"with post-processing: its .* likely the raw boxes and scores of 64 anchors.* export_model .*DETECTOR_METADATA"
    with pytest.raises(InputError, match=said):
        Detector(path)
