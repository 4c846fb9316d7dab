from __future__ import annotations

import re
import sys
import time

import pytest

from runtime.inference import engines
from tests.support.examples import DETECTOR, run_example, video


@pytest.fixture
def clip(tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "__path__", list(engines.__path__))
    yield video(tmp_path / "clip.avi", [{"red": (96, 48)}, {}])
    sys.modules.pop("runtime.inference.engines.cool", None)


@pytest.fixture
def sensor(tmp_path, monkeypatch):
    path = tmp_path / "temp"
    path.write_text("60500\n")
    monkeypatch.setenv("COOL_SENSOR", str(path))
    return path


def test_it_runs_the_model(clip, sensor, capsys):
    run_example("own_engine", DETECTOR, clip)
    printed = capsys.readouterr()
    assert re.fullmatch(r"0 red 0\.9\d\n1\n", printed.out)
    assert "engine: cool" in printed.err and "below 75 degrees" in printed.err


def test_it_waits_while_the_board_is_hot(clip, sensor, monkeypatch):
    sensor.write_text("80000\n")
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        sensor.write_text("74000\n")

    monkeypatch.setattr(time, "sleep", sleep)
    run_example("own_engine", DETECTOR, clip)
    assert 0.1 in waits


def test_a_file_that_is_missing_is_named(sensor, tmp_path):
    with pytest.raises(SystemExit, match=r"error: .*none\.tflite"):
        run_example("own_engine", tmp_path / "none.tflite", tmp_path / "none.avi")
