"""Several cameras in one process."""

from __future__ import annotations

import json
import shutil
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

import runtime.sources
from runtime import Frame, InputError, KitError
from runtime.cameras.session import detect_all
from runtime.config.arguments import parse
from runtime.sources import Source
from tests.support import tiny_detector

# Seconds after which a test gives up, on whatever machine.
PATIENCE = 60


class Sky(Source):
    """A live camera of a test, by the name in `sky:NAME`; `plans` has functions that are called before each frame, by name."""

    live = True
    plans = {}
    opening = {}

    def __init__(self, name):
        self.name = name
        self._closed = threading.Event()

    def __iter__(self):
        index = 0
        while not self._closed.is_set():
            if self.plans.get(self.name, lambda index: time.sleep(0.002))(index) is False:
                return
            yield Frame(np.full((16, 24, 3), index % 256, np.uint8), index, time.time(), monotonic=time.monotonic())
            index += 1

    def close(self):
        self._closed.set()


def connect(spec):
    name = spec.partition(":")[2]
    Sky.opening.get(name, lambda: None)()
    return Sky(name)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The working directory, with a detector of three classes, and cameras `sky:NAME`."""
    module = SimpleNamespace(
        __name__="runtime.sources.sky", KIND="a camera of a test", LIVE=True,
        accepts=lambda spec: spec.startswith("sky:"), connect=connect,
    )  # fmt: skip
    modules = runtime.sources.plugins.modules

    def with_sky(package):
        return [module, *modules(package)] if package is sys.modules["runtime.sources"] else modules(package)

    monkeypatch.setattr(runtime.sources.plugins, "modules", with_sky)
    monkeypatch.setattr(Sky, "plans", {})
    monkeypatch.setattr(Sky, "opening", {})
    (tmp_path / "tiny.tflite").write_bytes(tiny_detector.build(signature={f"output_{3 - role}": role for role in range(4)}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Run:
    """A run in a thread; ends with the test."""

    def __init__(self, *words):
        self.options = parse(["tiny.tflite", "--watchdog", "0", *words])
        self.state, self.summaries, self.error = None, None, None
        self._begun = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            self.summaries = detect_all(self.options, self._use)
        except BaseException as error:
            self.error = error
            self._begun.set()

    def _use(self, state):
        self.state = state
        self._begun.set()

    def until(self, true):
        assert self._begun.wait(PATIENCE) and self.error is None, self.error
        end = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < end and self.error is None, self.error
            time.sleep(0.005)

    def frames(self, name):
        return self.state.cameras[name].snapshot()["frames"]

    def end(self):
        self.state.stop()
        return self.ended()

    def ended(self):
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive() and self.error is None, self.error
        return self.summaries


@pytest.fixture
def start(place):
    runs = []

    def start(*words):
        runs.append(Run(*words))
        return runs[-1]

    yield start
    for run in runs:
        if run.state is not None:
            run.state.stop()
        run.thread.join(PATIENCE)


def lines(path):
    return [json.loads(text) for text in path.read_text().splitlines()]


def test_each_camera_has_its_own_lines_in_the_order_of_its_frames(place, start):
    run = start("--source", "door=sky:a", "--source", "yard=sky:b", "--json", "{camera}.jsonl", "--frames", "20")
    summaries = run.ended()
    for name in ("door", "yard"):
        found = lines(place / f"{name}.jsonl")
        assert len(found) == 20 == summaries.cameras[name].frames
        assert {line["camera"] for line in found} == {name}
        assert [line["frame"] for line in found] == sorted(line["frame"] for line in found)
    assert summaries.total.frames == 40 and not summaries.errors
    said = str(summaries).splitlines()
    assert [line.partition(":")[0] for line in said] == ["door", "yard", "all"] and said[2].startswith("all: 40 frames, ")
