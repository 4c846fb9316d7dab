"""The kit itself gives the results in tests/golden, which the phone wrappers are tested with."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from tests.support.paths import TESTS

pytest.importorskip("ai_edge_litert", reason="the reference kernels are those of ai-edge-litert")

from runtime.common.errors import KitError
from runtime.common.opencv import cv2
from runtime.inference import preprocessing
from runtime.inference.detector import Detector
from runtime.media import images
from runtime.model.metadata import Metadata
from runtime.model.raw_head import RawHead
from runtime.model.tflite import Model
from tests.support import golden_cases, make_golden
from train.sample_data import generation

FOLDER = TESTS / "golden"
CONTENT = json.loads((FOLDER / "golden.json").read_text())
MODELS = {model["file"]: model for model in CONTENT["models"]}
IMAGES = {image["file"]: image for image in CONTENT["pictures"]}
PAIRS = [(model, image) for model in MODELS for image in IMAGES]


def result(model: str, image: str) -> dict:
    return next(entry for entry in MODELS[model]["results"] if entry["picture"] == image)


def near(found: dict, expected: dict) -> None:
    """Asserts what wrappers must fulfill: the same labels in the same order, boxes and scores within the tolerance."""
    assert [entry["label"] for entry in found] == [entry["label"] for entry in expected]
    assert [entry["class"] for entry in found] == [entry["class"] for entry in expected]
    for one, other in zip(found, expected):
        assert one["score"] == pytest.approx(other["score"], abs=CONTENT["score_tolerance"])
        assert one["box"] == pytest.approx(other["box"], abs=CONTENT["box_tolerance"])


@pytest.mark.parametrize("name", [*MODELS, *IMAGES])
def test_the_files_are_those_that_were_described(name):
    if name in MODELS:
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == MODELS[name]["sha256"]
        return
    rgb = cv2.cvtColor(images.read(FOLDER / name), cv2.COLOR_BGR2RGB)
    assert (IMAGES[name]["width"], IMAGES[name]["height"]) == (rgb.shape[1], rgb.shape[0])
    assert IMAGES[name]["rgb_sha256"] == golden_cases.sha256(rgb)


def test_nothing_lies_there_that_is_not_described():
    named = {*MODELS, *IMAGES, "golden.json", "README.md"}
    assert {path.name for path in FOLDER.iterdir()} == named


@pytest.mark.parametrize(("model", "image"), PAIRS)
def test_the_reference_kernels_find_the_same(model, image):
    expected = result(model, image)
    found = make_golden.found_in(FOLDER / model, images.read(FOLDER / image))
    assert found["input_sha256"] == expected["input_sha256"]
    near(found["detections"], expected["detections"])
    if MODELS[model]["input"]["type"] != "float32":
        assert {"picture": image, **found} == expected


@pytest.mark.parametrize("name", ["detector", "rectangle"])
def test_the_raw_head_finds_what_the_whole_file_finds(name):
    for whole, raw in zip(MODELS[f"{name}_int8.tflite"]["results"], MODELS[f"{name}_int8_raw.tflite"]["results"]):
        near(raw["detections"], whole["detections"])


@pytest.mark.parametrize(("name", "version"), [("detector", 2), ("rectangle", 2), ("points", 3)])
def test_raw_heads_have_the_version_that_they_are_there_for(name, version):
    model = Model.read(FOLDER / f"{name}_int8_raw.tflite")
    head = RawHead.of(model, Metadata.of(model))
    assert head is not None and head.version == version
    if name != "detector":
        assert MODELS[f"{name}_int8_raw.tflite"]["input"]["shape"] == [1, 48, 96, 3]


@pytest.mark.parametrize("model", [name for name in MODELS if "fp16" in name])
def test_the_runtime_finds_the_same_with_its_own_kernels(model):
    detector = Detector(FOLDER / model, score=CONTENT["score"])
    for image in IMAGES:
        found = detector(images.read(FOLDER / image))
        near([make_golden._detection(entry) for entry in found], result(model, image)["detections"])


def test_resizing_gives_the_bytes_described():
    assert list(golden_cases.resize_cases()) == CONTENT["resize"]


def test_color_conversion_gives_the_bytes_described():
    assert list(golden_cases.yuv_cases()) == CONTENT["yuv"]


def test_color_conversion_is_that_of_the_recommendation():
    """OpenCV's, which is BT.601 in video range with factors of three digits."""
    luma, chroma = golden_cases.noise(1, 64 * 48).reshape(48, 64), golden_cases.noise(2, 64 * 24).reshape(24, 32, 2)
    ours = golden_cases.yuv_to_rgb(luma, chroma, "bt601", full=False)
    theirs = cv2.cvtColorTwoPlane(luma, chroma, cv2.COLOR_YUV2RGB_NV12)
    assert np.abs(ours.astype(int) - theirs).max() <= 1


def test_grey_stays_grey():
    luma, chroma = np.arange(256, dtype=np.uint8).reshape(16, 16), np.full((8, 8, 2), 128, np.uint8)
    for matrix in ("bt601", "bt709"):
        full = golden_cases.yuv_to_rgb(luma, chroma, matrix, full=True)
        assert np.array_equal(full, luma[..., None].repeat(3, -1))
        video = golden_cases.yuv_to_rgb(luma, chroma, matrix, full=False).reshape(256, 3)
        assert video[16].tolist() == [0, 0, 0] and video[235].tolist() == [255, 255, 255]


def test_noise_is_spread_over_all_bytes():
    counts = np.bincount(golden_cases.noise(3, 65536), minlength=256)
    assert counts.min() > 128 and counts.max() < 512


def test_made_again_from_the_same_models_it_is_the_same(tmp_path):
    model = "detector_int8.tflite"
    (tmp_path / model).write_bytes((FOLDER / model).read_bytes())
    make_golden.make(tmp_path, keep_models=True, say=lambda line: None)
    made = json.loads((tmp_path / "golden.json").read_text())
    assert made["models"] == [MODELS[model]]
    for name in IMAGES:
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes()


def test_no_models_to_keep(tmp_path):
    with pytest.raises(KitError, match="leave --keep-models out"):
        make_golden.make(tmp_path, keep_models=True)


def test_images_that_a_small_difference_changes_are_refused():
    path = Path("m.tflite")
    good = {"picture": "p", "detections": [1], "raw": {"scores": [0.9, 0.5]}}
    make_golden._check(path, "float32", good)
    with pytest.raises(KitError, match="finds nothing"):
        make_golden._check(path, "float32", {**good, "detections": []})
    for scores in ([0.9, 0.8995], [make_golden.SCORE + 0.0005]):
        with pytest.raises(KitError, match="too near"):
            make_golden._check(path, "float32", {**good, "raw": {"scores": scores}})
    make_golden._check(path, "uint8", {**good, "raw": {"scores": [0.9, 0.9]}})


def test_the_images_are_generated_ones_of_another_seed():
    drawn = make_golden._IMAGES[-1]
    bgr, boxes = generation.draw_image(drawn.index, make_golden._SEED, (drawn.width, drawn.height))
    assert np.array_equal(bgr, images.read(FOLDER / f"{drawn.name}.ppm")) and boxes
    assert preprocessing.resize(bgr, 320).shape == (320, 320, 3)
