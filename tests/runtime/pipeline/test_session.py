from __future__ import annotations

import shutil

import pytest

from runtime import InputError
from runtime.config.arguments import from_values, parse
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


@pytest.mark.parametrize("option", ["--json", "--health"])
def test_an_output_that_is_the_model_is_refused(place, option):
    before = (place / "model.tflite").read_bytes()
    with pytest.raises(InputError, match=r"model\.tflite: is the model itself; give another name"):
        run(option, "model.tflite")
    assert (place / "model.tflite").read_bytes() == before


def test_an_output_that_is_the_configuration_is_refused(place):
    options = {"file": "model.tflite", "source": "square.ppm", "watchdog": 0, "json": "runtime.yaml"}
    (place / "runtime.yaml").write_text("score: 0.4\n")
    for parsed in (
        parse([*command_line(options), "--config", "runtime.yaml"]),
        from_values({**options, "config": "runtime.yaml"}),
    ):
        with pytest.raises(InputError, match="is the configuration file itself"):
            detect(parsed)


def command_line(options):
    return [f"--{name}={value}" for name, value in options.items() if name != "file"] + [options["file"]]


def test_outputs_elsewhere_are_written(place):
    run("--json", "new.jsonl", "--out", "other.jsonl", "--health", "h.json")
    assert (place / "new.jsonl").stat().st_size and (place / "other.jsonl").stat().st_size
