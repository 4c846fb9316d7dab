"""The health file of a run."""

from __future__ import annotations

import hashlib
import json
import threading
import time

import pytest

from runtime import Labels
from runtime.common.errors import InputError
from runtime.telemetry.comparison import Comparison
from runtime.telemetry.health import STALE_SECONDS, Health, HealthFile
from runtime.telemetry.state import State


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(b"weights")
    return path


def until(true) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end, "nothing happened for ten seconds"
        time.sleep(0.005)


def test_the_file_describes_the_run(model, tmp_path):
    state, place = State(str(model)), tmp_path / "run" / "health.json"
    state.engine(name="cpu", state="running")
    with HealthFile(place, state, every=0.01) as file:
        first = Health.read(place)
        assert first == Health.read(place) and first.is_fresh() and not first.is_fresh(first.time + STALE_SECONDS + 1)
        assert (first.model, first.engine, first.frames) == (str(model), "cpu", 0)
        assert first.sha256 == hashlib.sha256(b"weights").hexdigest()
        state.frame_done([], {})
        until(lambda: Health.read(place).frames == 1)
        state.reload_failed("it is no model")
        until(lambda: Health.read(place).reload_error == "it is no model")
        other = tmp_path / "other.tflite"
        other.write_bytes(b"others")
        state.reloaded(str(other), Labels(("cat",)))
        until(lambda: Health.read(place).sha256 == hashlib.sha256(b"others").hexdigest())
        assert (file.health().reloads, file.health().reload_error) == (1, "")
    assert not place.exists() and not list(place.parent.iterdir())


def test_a_second_model_is_in_it_only_where_there_is_one(model, tmp_path):
    state, place = State(str(model)), tmp_path / "health.json"
    file = HealthFile(place, state)
    assert "shadow" not in json.loads(file.health().text())
    found = Comparison("1", "next.tflite", "ab", str(model), 5.5, 10, 1, "", False, {"cat": (1, 2, 3)}, ("dog",), ())
    state.compared(found)
    place.write_text(file.health().text())
    assert Health.read(place).shadow == found
    content = json.loads(place.read_text())
    for damaged in (3, None, {}, {**content["shadow"], "classes": {"cat": [1]}}):
        place.write_text(json.dumps({**content, "shadow": damaged}))
        assert Health.read(place) is None
    # An older runtime's, or one that compares nothing.
    del content["shadow"]
    place.write_text(json.dumps(content))
    assert Health.read(place).shadow is None


def test_readers_never_see_a_partial_file(model, tmp_path):
    place, state, times = tmp_path / "health.json", State(str(model)), set()
    with HealthFile(place, state, every=0.0005):
        with open(place) as old:
            state.frame_done([], {})
            until(lambda: Health.read(place).frames == 1)
            assert json.loads(old.read())["frames"] == 0, "a file that is being read is replaced, not changed"
        while len(times) < 100:
            # There is a whole file at each moment.
            times.add(json.loads(place.read_text())["time"])


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"time": 1', "\xff"])
def test_files_that_cannot_be_parsed_give_none(tmp_path, text):
    place = tmp_path / "health.json"
    assert Health.read(place) is None
    place.write_bytes(text.encode("latin-1"))
    assert Health.read(place) is None


def test_a_path_that_cannot_be_written_is_reported_before_the_run(model, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"--health .*file/health\.json: cannot be written"):
        HealthFile(tmp_path / "file" / "health.json", State(str(model))).__enter__()
