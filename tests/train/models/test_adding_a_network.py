"""A network that is one new file is trained, resumed, converted, measured and run like those of the kit."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest
import yaml

from runtime.common.errors import InputError
from runtime.inference.detector import Detector
from tests.support import networks
from train import models
from train.run.options import Options, check
from train.run.run_folder import open_run
from train.sample_data import generation

pytestmark = pytest.mark.long

STEPS = 30


@pytest.fixture(autouse=True)
def added(monkeypatch):
    models.find.cache_clear()
    monkeypatch.setattr(models, "__path__", [*models.__path__, *networks.__path__])
    yield
    models.find.cache_clear()


def test_it_is_listed_and_its_sizes_are_checked(capsys):
    from train.__main__ import main

    with pytest.raises(SystemExit):
        main(["--models"])
    assert "tiny" in capsys.readouterr().out
    check(Options(model="tiny", size="48x96"))
    with pytest.raises(InputError, match="tiny: sides are multiples of 16 from 48 to 320, not 50"):
        check(Options(model="tiny", size=50))


def test_from_images_to_detections(tmp_path, capsys):
    from convert.__main__ import main as convert
    from convert.evaluate import main as evaluate
    from train.__main__ import main as train
    from train.check.__main__ import main as check_data

    data, run = tmp_path / "data", tmp_path / "run"
    generation.draw_dataset(data, images=12, size=(120, 90))
    options = ["--model", "tiny", "--size", "64x96"]
    assert check_data([str(data), *options]) in (0, 1)
    assert train([str(data), "--out", str(run), *options, "--init", "none", "--steps", str(STEPS), "--batch", "4"]) == 0
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["task"]["network"] == "tiny" and config["task"]["size"] == "64x96"
    assert open_run(run).network().name == "tiny"

    assert convert(["--run", str(run), "--int8", "--fp16", "--raw-head", "--no-gate", "--calibration", "8"]) == 0
    export = run / "export"
    image = cv2.imread(str(next(iter(sorted(Path(data).rglob("*.jpg"))))))
    found = {}
    for kind in ("fp16", "fp16_raw", "int8", "int8_raw"):
        detector = Detector(export / f"detector_{kind}.tflite", score=0.0)
        assert detector.size == (64, 96)
        found[kind] = detector(image)
    assert found["fp16"] and found["int8"]
    assert found["fp16"][0].score == pytest.approx(found["fp16_raw"][0].score, abs=0.02)
    assert '"network": "tiny"' in (export / "manifest.json").read_text()
    capsys.readouterr()
    for target in (run, run / "checkpoints" / "best", export / "detector_int8.tflite"):
        assert evaluate([str(target)]) == 0
    assert train([str(data), "--out", str(tmp_path / "on"), *options, "--init", str(run), "--steps", "2", "--batch", "4"]) == 0
