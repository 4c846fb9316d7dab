"""The self-test: it knows a working detector, and tells each way in which one can be wrong."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from devices.selftest import selftest
from runtime.common.errors import InputError, KitError
from runtime.common.values import Box, Detection
from runtime.media import images
from runtime.model.tflite import Model
from tests.support.paths import ROOT

RING = Detection("ring", 0, 0.7, Box(10, 10, 50, 50))
STAR = Detection("star", 2, 0.5, Box(100, 100, 150, 150))
GOLDEN = selftest.Golden(0.4, 0.12, selftest.IMAGE_SHARE, selftest.BOX_SHARE, ())
SIDE = 320


def test_the_shipped_model_is_that_of_the_golden_files():
    assert selftest.MODEL.read_bytes() == (ROOT / "tests/golden/detector_int8.tflite").read_bytes()


def test_the_shipped_model_passes_in_a_process_of_its_own():
    result = selftest.run(selftest.MODEL, selftest.GOLDEN, threads=1, hang=30)
    assert result.passed and result.differences == ()
    assert result.milliseconds > 0 and result.package in result.what


def test_a_model_with_damaged_weights_does_not_pass(tmp_path):
    """Half of its large weights: the file is whole, and can be loaded."""
    data = selftest.MODEL.read_bytes()
    weights = [bytes(buffer) for buffer in Model.parse(data).buffers if 10_000 < len(buffer) < 1_000_000]
    for weight in weights[::2]:
        data = data.replace(weight, bytes(byte ^ 0x55 for byte in weight))
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(data)
    result = selftest.run(damaged, selftest.GOLDEN, threads=1)
    assert not result.passed and all(line.startswith("00_square.png: ") for line in result.differences)


def test_what_is_within_the_tolerances_passes():
    moved = replace(RING, score=0.81, box=Box(5, 15, 45, 55))
    assert selftest.compare([RING, STAR], [moved, replace(STAR, score=0.39)], GOLDEN, SIDE) == []
    # One that was just below the least score there may be just above it here.
    assert selftest.compare([RING], [RING, replace(STAR, score=0.51)], GOLDEN, SIDE) == []


@pytest.mark.parametrize(
    ("found", "line"),
    [
        ([STAR], "did not find ring (0.70) at 10, 10, 50, 50"),
        ([replace(RING, class_id=1, label="square"), STAR], "did not find ring"),
        ([replace(RING, box=Box(10, 10, 50, 57)), STAR], "did not find ring"),
        ([replace(RING, score=0.57), STAR], "found ring (0.70) at 10, 10, 50, 50 with a score of 0.57"),
        ([replace(RING, label="hoop"), STAR], "calls ring (0.70) at 10, 10, 50, 50 hoop"),
        ([RING, STAR, replace(RING, box=Box(200, 200, 250, 250))], "found ring (0.70) at 200, 200, 250, 250 besides"),
        ([RING, RING, STAR], "besides"),
    ],
)
def test_what_is_not_is_named(found, line):
    assert any(line in said for said in selftest.compare([RING, STAR], found, GOLDEN, SIDE))


def moved(box, pixels):
    return Box(box.xmin - pixels, box.ymin, box.xmax, box.ymax + pixels)


@pytest.mark.parametrize("side", [96, 192, 320, 640, 1280])
def test_boxes_may_differ_by_a_share_of_input_and_box(side):
    """The same image at any size of the input passes and fails alike."""
    for share in (0.03, 0.1, 0.5):
        found = replace(RING, box=Box(0.2 * side, 0.2 * side, (0.2 + share) * side, (0.2 + 0.7 * share) * side))
        near, far = (replace(found, box=moved(found.box, (0.01 + 0.06 * share) * side * factor)) for factor in (0.99, 1.01))
        assert selftest.compare([found], [near], GOLDEN, side) == []
        assert "did not find ring" in selftest.compare([found], [far], GOLDEN, side)[0]


# Pixels by which XNNPACK's boxes differ from the plain kernels', by the size of the box: YOLOv5n, int8, 640.
MEASURED_AT_640 = [(14, 2.9), (53, 5.7), (92, 8.6), (169, 14.3), (482, 20.1)]


@pytest.mark.parametrize(("size", "pixels"), MEASURED_AT_640)
def test_what_was_measured_at_640_passes(size, pixels):
    found = replace(RING, box=Box(20, 20, 20 + size, 20 + size / 2))
    assert selftest.compare([found], [replace(found, box=moved(found.box, pixels))], GOLDEN, 640) == []


def test_a_neighbour_of_a_small_object_is_another_object():
    found = replace(RING, box=Box(600, 600, 610, 608))
    beside = replace(found, box=Box(606, 600, 616, 608))
    assert selftest.compare([found], [beside], GOLDEN, 640)[0].startswith("did not find ring")


def test_goldens_of_older_kits_are_no_stricter_than_they_were(tmp_path):
    assert "box_shares" not in json.loads((selftest.GOLDEN / selftest.NAME).read_text())
    old = selftest.read(selftest.GOLDEN)
    assert old.least_tolerance == 6.0 == old.box_tolerance(Box(0, 0, 8, 8), 320)
    assert old.box_tolerance(Box(0, 0, 300, 300), 640) > 20


def test_a_golden_for_another_model_is_made_and_read(tmp_path):
    made = selftest.make(selftest.MODEL, [ROOT / "tests/golden/wide.ppm"], tmp_path / "golden")
    read = selftest.read(tmp_path / "golden")
    assert (read.image_share, read.box_share, read.least_tolerance) == (selftest.IMAGE_SHARE, selftest.BOX_SHARE, 0.0)
    largest = max(found.box.width for found in read.images[0].detections)
    written = json.loads((tmp_path / "golden" / selftest.NAME).read_text())
    assert written["box_tolerance"] >= round(0.01 * 320 + 0.06 * largest, 2), "older kits have one for all boxes"
    assert [found.label for found in read.images[0].detections] == ["ring", "square", "triangle", "ring"]
    assert images.read(read.images[0].image).shape == (320, 320, 3)
    for one, other in zip(made.images[0].detections, read.images[0].detections):
        assert one.box.as_tuple() == pytest.approx(other.box.as_tuple(), abs=0.01)


def test_a_image_without_objects_makes_no_golden(tmp_path):
    images.write(tmp_path / "grey.png", np.full((320, 320, 3), 128, np.uint8))
    with pytest.raises(InputError, match=r"grey.png: nothing is found in it"):
        selftest.make(selftest.MODEL, [tmp_path / "grey.png"], tmp_path / "golden")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "is of version 2"),
        ({"pictures": []}, "expects no detections"),
        ({"pictures": [{"file": "00_square.png", "detections": []}]}, "expects no detections"),
        ({"pictures": [{"file": "../00_square.png", "detections": []}]}, "no image beside it"),
        ({"score": None}, "is no golden"),
        ({"pictures": [{"file": "00_square.png", "detections": [{"label": "ring"}]}]}, "is no golden"),
    ],
)
def test_a_golden_that_is_none_is_refused(tmp_path, change, message):
    shutil.copytree(selftest.GOLDEN, tmp_path / "golden", ignore=shutil.ignore_patterns("*.tflite"))
    place = tmp_path / "golden" / selftest.NAME
    place.write_text(json.dumps({**json.loads(place.read_text()), **change}))
    with pytest.raises(InputError, match=message):
        selftest.read(tmp_path / "golden")


def test_a_folder_without_a_golden(tmp_path):
    with pytest.raises(InputError, match="no such file; a golden is a folder"):
        selftest.read(tmp_path)


def test_an_engine_that_is_not_there_is_an_error():
    with pytest.raises(KitError):
        selftest.run(selftest.MODEL, selftest.GOLDEN, engine="edgetpu")
