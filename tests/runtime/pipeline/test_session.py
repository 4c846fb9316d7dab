from __future__ import annotations

import shutil

import pytest

from runtime.config.arguments import parse
from runtime.pipeline.session import detect
from tests.support.paths import GOLDEN


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The working directory, with a detector of four classes and an image."""
    shutil.copy(GOLDEN / "detector_int8.tflite", tmp_path / "model.tflite")
    shutil.copy(GOLDEN / "square.ppm", tmp_path / "square.ppm")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*options):
    return detect(parse(["model.tflite", "--source", "square.ppm", "--watchdog", "0", *options]))


def test_labels_that_do_not_fit_the_model_are_told(place, capsys):
    (place / "two.txt").write_text("apple\npear\n")
    run("--labels", "two.txt")
    assert "warning: two.txt: 2 names, but the model has 4 classes" in capsys.readouterr().err
    (place / "four.yaml").write_text("names: [apple, pear, plum, fig]\n")
    run("--labels", "four.yaml")
    assert "warning" not in capsys.readouterr().err
