"""Golden detections, put into every layout of YOLO exporters and read again by the detector."""

from __future__ import annotations

import json

import numpy as np
import pytest

from runtime import Detector, InputError
from runtime.boxes.tiles import Tiles
from runtime.inference import decoders
from runtime.model.tflite import Model
from tests.support import tiny_detector
from tests.support.yolo_outputs import CELLS, EXPECTED, GOLDEN, SIDE, dense, quantized, suppressed

IMAGE = np.zeros((100, 200, 3), np.uint8)
DESCRIPTION = {"task": "detect", "names": {"0": "apple", "1": "pear"}}


@pytest.fixture
def detector(tmp_path):
    """Writes a file with one output, and loads it."""

    def load(values, *, shape=(1, SIDE, SIDE, 3), kind="float32", said=None, quantization=None, **options):
        files = {"metadata.json": json.dumps(said).encode()} if said else None
        path = tmp_path / "yolo.tflite"
        path.write_bytes(
            tiny_detector.build(
                [("out", values)], input_shape=shape, input_type=kind, files=files, quantization=quantization
            )
        )
        return Detector(path, **options)

    return load


def boxes(found):
    return [(*item.box.as_tuple(), item.class_id, item.score) for item in found]


def assert_found(found, tolerance=1e-3):
    assert [item.class_id for item in found] == [row[4] for row in EXPECTED]
    for got, wanted in zip(boxes(found), EXPECTED):
        assert got[:4] == pytest.approx(wanted[:4], abs=200 * tolerance)
        assert got[5] == pytest.approx(wanted[5], abs=tolerance)


@pytest.mark.parametrize("shape", [(1, SIDE, SIDE, 3), (1, 3, SIDE, SIDE)])
@pytest.mark.parametrize("pixels", [False, True])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("objectness", [False, True])
def test_every_dense_layout_gives_the_golden_detections(detector, objectness, turned, pixels, shape):
    loaded = detector(dense(objectness=objectness, turned=turned, pixels=pixels), shape=shape)
    assert_found(loaded(IMAGE))
    assert loaded.size == SIDE


@pytest.mark.parametrize("pixels", [False, True])
def test_rows_that_were_suppressed_inside_are_taken_as_they_are(detector, pixels):
    rows = [GOLDEN[place] for place in (0, 2, 3)]
    assert_found(detector(suppressed(rows, pixels=pixels), said=DESCRIPTION)(IMAGE))
    # Two that overlap were left by the file, so both are given.
    assert len(detector(suppressed(GOLDEN, pixels=pixels))(IMAGE)) == 4


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("objectness", [False, True])
def test_one_scale_for_boxes_and_scores(detector, objectness, turned, dtype):
    stored, scale = quantized(dense(objectness=objectness, turned=turned, pixels=False), "out", dtype)
    found = detector(stored, kind=dtype, quantization=scale)(IMAGE)
    assert_found(found, tolerance=0.015)


@pytest.mark.parametrize("objectness", [False, True])
def test_thresholds_are_of_the_score(detector, objectness):
    values = dense(objectness=objectness, turned=False, pixels=False)
    assert [len(detector(values, score=score)(IMAGE)) for score in (0.85, 0.65, 0.55, 0.0)] == [1, 2, 3, 3]
    assert [item.label for item in detector(values, scores={"class 0": 0.65})(IMAGE)] == ["class 1", "class 0"]


def test_a_network_of_one_class_is_scored_by_its_objects(detector):
    one = [(*row[:4], 0, row[5]) for row in GOLDEN[:1]]
    values = dense(one, classes=1, objectness=True, turned=False, pixels=False)
    assert detector(values)(IMAGE)[0].score == pytest.approx(0.95)


def test_an_image_keeps_its_shape_amid_gray_and_floats_are_0_to_1(detector):
    loaded = detector(dense(objectness=False, turned=True, pixels=False))
    tensor = loaded.preprocess(np.full((100, 200, 3), 255, np.uint8))[0]
    assert np.all(tensor[16:48] == 1) and np.allclose(tensor[:16], 114 / 255) and np.allclose(tensor[48:], 114 / 255)
    channels = detector(dense(objectness=False, turned=True, pixels=False), shape=(1, 3, SIDE, SIDE))
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    image[:, :, 0] = 255
    # Blue is the last channel of the input.
    assert [float(plane.mean()) for plane in channels.preprocess(image)[0]] == [0, 0, 1]


def test_a_batch_is_filled(detector):
    values = np.repeat(dense(objectness=False, turned=True, pixels=False), 2, axis=0)
    loaded = detector(values, shape=(2, SIDE, SIDE, 3))
    assert loaded.batch == 2
    for found in loaded.detect_all([IMAGE] * 3):
        assert_found(found)


def test_tiles_fill_a_batch(detector):
    values = dense(objectness=False, turned=True, pixels=False)
    two, one = detector(np.repeat(values, 2, axis=0), shape=(2, SIDE, SIDE, 3)), detector(values)
    two.tiles = one.tiles = Tiles(2, 1)
    assert [len(loaded.inputs(IMAGE)) for loaded in (two, one)] == [2, 3]
    assert two(IMAGE) == one(IMAGE)


def test_names_are_those_of_the_description(detector):
    loaded = detector(dense(objectness=False, turned=True, pixels=False), said=DESCRIPTION)
    assert loaded.labels.names == ("apple", "pear") and "export" in loaded.labels_from and not loaded.labels_warning
    assert [item.label for item in loaded(IMAGE)] == ["pear", "apple", "apple"]


def test_what_is_no_network_for_boxes_says_so(detector):
    values = dense(objectness=False, turned=True, pixels=False)
    with pytest.raises(InputError, match="YOLO network for the task 'pose'"):
        detector(values, said={**DESCRIPTION, "task": "pose"})
    with pytest.raises(InputError, match=r"6 values for each of 84 anchors, and names 4 classes: neither"):
        detector(values, said={"names": {str(number): f"c{number}" for number in range(4)}})
    stored = np.zeros((1, 300, 6), np.uint8)
    with pytest.raises(InputError, match=r"one scale, 2\.5, for boxes, scores and classes"):
        detector(stored, quantization={"out": (2.5, 0)})


@pytest.mark.parametrize(
    ("shape", "said", "classes"),
    [
        ((1, CELLS, 7), {"names": ["a", "b"]}, 2),
        ((1, CELLS, 7), {"names": ["a", "b", "c"]}, 3),
        ((1, CELLS, 7), None, 3),
        ((1, 3 * CELLS, 7), None, 2),
        ((1, CELLS, 85), None, 80),
        ((1, 84, 84 + 1), {"names": ["x"] * 81}, 81),
        ((1, 6, 640), None, 2),
        ((1, 640, 7), None, 2),
    ],
)
def test_layouts_are_told_apart_by_names_then_by_anchors(tmp_path, shape, said, classes):
    files = {"metadata.json": json.dumps(said).encode()} if said else None
    data = tiny_detector.build([("out", np.zeros(shape, np.float32))], input_shape=(1, SIDE, SIDE, 3), files=files)
    assert decoders.find(Model.parse(data), None).classes == classes
