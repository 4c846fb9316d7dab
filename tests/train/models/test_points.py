"""A network whose box codes are distributions is trained and converted, and its raw outputs are decoded by all readers."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

from convert.contract import contract
from runtime.inference.detector import Detector
from runtime.model.metadata import Metadata
from runtime.model.raw_head import RawHead
from runtime.model.tflite import Model
from tests.support import networks
from train import models
from train.sample_data import generation

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def export(tmp_path_factory) -> Path:
    """The folder of a short training's int8 file and its twin."""
    from convert.__main__ import main as convert
    from train.__main__ import main as train

    folder = tmp_path_factory.mktemp("points")
    data, run = folder / "data", folder / "run"
    with pytest.MonkeyPatch.context() as patch:
        models.find.cache_clear()
        patch.setattr(models, "__path__", [*models.__path__, *networks.__path__])
        generation.draw_dataset(data, images=12, size=(120, 90))
        options = ["--model", "tiny_points", "--size", "64x96", "--init", "none", "--steps", "8", "--batch", "4"]
        assert train([str(data), "--out", str(run), *options]) == 0
        assert convert(["--run", str(run), "--int8", "--raw-head", "--no-gate", "--calibration", "8"]) == 0
    models.find.cache_clear()
    return run / "export"


def test_a_twin_finds_what_the_whole_file_finds(export):
    image = cv2.imread(str(next(iter(sorted((export.parents[1] / "data").rglob("*.jpg"))))))
    whole, twin = (Detector(export / f"detector_int8{raw}.tflite", score=0.0, engine="plain") for raw in ("", "_raw"))
    expected, found = whole(image), twin(image)
    assert expected and [one.class_id for one in found] == [one.class_id for one in expected]
    for one, other in zip(found, expected):
        assert one.score == pytest.approx(other.score, abs=1e-6)
        assert one.box.as_tuple() == pytest.approx(other.box.as_tuple(), abs=1e-3)


def test_the_custom_operation_finds_the_boxes_of_the_built_in_one(export):
    from convert.__main__ import main as convert

    folder = export.parent / "custom"
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        models.find.cache_clear()
        patch.setattr(models, "__path__", [*models.__path__, *networks.__path__])
        for kind in ("built-in", "custom"):
            given = ["--run", str(export.parent), "--fp16", "--no-gate", "--post-processing", kind]
            assert convert([*given, "--out", str(folder / kind)]) == 0
            image = cv2.imread(str(next(iter(sorted((export.parents[1] / "data").rglob("*.jpg"))))))
            found[kind] = Detector(folder / kind / "detector_fp16.tflite", score=0.0, engine="plain")(image)
    models.find.cache_clear()
    # The operation gives each place one class, and suppresses without a look at classes.
    assert found["custom"]
    for one in found["custom"]:
        boxes = [other.box.as_tuple() for other in found["built-in"] if other.class_id == one.class_id]
        assert any(one.box.as_tuple() == pytest.approx(box, abs=0.05) for box in boxes)


def test_a_twin_and_the_manifest_describe_the_distributions(export):
    model = Model.read(export / "detector_int8_raw.tflite")
    assert contract.check(model.data, expect="int8_raw") == ()
    head = RawHead.of(model, Metadata.of(model))
    assert head is not None and (head.version, head.bins, head.scales) == (3, 6, (1, 1, 1, 1))
    assert model.main.tensors[model.main.outputs[0]].shape == (1, 24, 24)
    entry = json.loads((export / "manifest.json").read_text())["files"]["detector_int8_raw.tflite"]
    assert entry["raw_head"]["bins"] == 6 and entry["raw_head"]["anchors"]["count"] == 24
