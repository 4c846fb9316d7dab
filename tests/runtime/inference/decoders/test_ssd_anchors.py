"""Files of MediaPipe Model Maker: two outputs, with anchors in the metadata."""

from __future__ import annotations

import math

import numpy as np
import pytest

from runtime import Detector, InputError
from tests.support import tiny_detector
from tests.support.model_maker import detector_metadata

IMAGE = np.zeros((100, 200, 3), np.uint8)
# x, y, width, height
ANCHORS = [(0.25, 0.5, 0.2, 0.4), (0.25, 0.5, 0.2, 0.4), (0.75, 0.5, 0.1, 0.2), (0.75, 0.5, 0.1, 0.2)]
# Codes y, x, height, width. The second box overlaps the first, of another class and with a lower score.
CODES = [(0, 0, 0, 0), (0.1, 0, 0, 0), (0.5, -1, math.log(2), math.log(3)), (0, 0, 0, 0)]
# Of background, cat and dog.
SCORES = [(0.99, 0.25, 0.875), (0, 0.75, 0.1), (0, 0.625, 0.1), (0, 0.1, 0.2)]
LABELS = b"background\ncat\ndog\n"


@pytest.fixture
def load(tmp_path):
    def make(codes=CODES, scores=SCORES, *, swapped=False, labels=LABELS, kind="float32", quantization=None, **said):
        outputs = [("b", np.array([codes], kind)), ("s", np.array([scores], kind))]
        names = ["location", "score"]
        if swapped:
            outputs, names = outputs[::-1], names[::-1]
        custom = {"DETECTOR_METADATA": detector_metadata(said.pop("anchors", ANCHORS), said.pop("classes", 3), **said)}
        files = {"labels.txt": labels} if labels else None
        data = tiny_detector.metadata(outputs=names, custom=custom, label_files=[("labels.txt", "")] if labels else ())
        path = tmp_path / "maker.tflite"
        path.write_bytes(tiny_detector.build(outputs, metadata=data, files=files, quantization=quantization))
        return Detector(path)

    return make


def assert_found(found):
    assert [(item.label, item.class_id) for item in found] == [("dog", 1), ("cat", 0)]
    assert [item.score for item in found] == pytest.approx([0.875, 0.625], abs=1e-3)
    assert found[0].box.as_tuple() == pytest.approx((30, 30, 70, 70), abs=0.01)
    assert found[1].box.as_tuple() == pytest.approx((100, 40, 160, 80), abs=0.01)


@pytest.mark.parametrize("swapped", [False, True])
def test_boxes_of_any_class_suppress_each_other_and_the_background_is_no_class(load, swapped):
    detector = load(swapped=swapped)
    assert_found(detector(IMAGE))
    assert detector.labels.names == ("cat", "dog") and not detector.labels_warning


def test_logits_and_scales(load):
    logits = [[math.log(max(score, 1e-3) / (1 - max(score, 1e-3))) for score in row] for row in SCORES]
    codes = [(10 * y, 20 * x, 5 * height, 4 * width) for y, x, height, width in CODES]
    assert_found(load(codes, logits, sigmoid=True, scales=(20, 10, 4, 5))(IMAGE))


def test_sizes_that_are_no_exponents(load):
    codes = [(y, x, math.exp(height), math.exp(width)) for y, x, height, width in CODES]
    assert_found(load(codes, exponential=False)(IMAGE))


def test_stored_values_mean_what_their_scales_say(load):
    scale = {"b": (0.01, 128), "s": (1 / 256, 0)}
    codes = np.clip(np.rint(np.array(CODES) / 0.01) + 128, 0, 255)
    scores = np.clip(np.rint(np.array(SCORES) * 256), 0, 255)
    found = load(codes, scores, kind="uint8", quantization=scale)(IMAGE)
    assert [(item.label, item.score) for item in found] == [("dog", 0.875), ("cat", 0.625)]
    assert found[1].box.as_tuple() == pytest.approx((100, 40, 160, 80), abs=0.3)


def test_classes_without_a_background_count_from_the_first(load):
    assert load(labels=b"sky\ncat\ndog\n")(IMAGE)[0].label == "sky"
    assert load(labels=b"")(IMAGE)[0].class_id == 1


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"anchors": ANCHORS[:3]}, r"3 anchors and 3 classes, but its outputs are \[1, 4, 4\] and \[1, 4, 3\]"),
        ({"classes": 7}, "7 classes, but its outputs"),
        ({"boxes": 5}, "4 anchors for 5 boxes"),
        ({"sides": 16}, "16 values for each box; only boxes without key points"),
        ({"scales": (1, 0, 1, 1)}, "no usable numbers"),
    ],
)
def test_metadata_that_does_not_fit_is_an_error(load, said, words):
    with pytest.raises(InputError, match=f"maker.tflite: DETECTOR_METADATA.*{words}"):
        load(**said)
