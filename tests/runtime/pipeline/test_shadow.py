"""A second model that is compared with the one that counts."""

from __future__ import annotations

import os
import signal
import threading
import time

import numpy as np
import pytest

from runtime import Frame, InputError
from runtime.config import arguments
from runtime.pipeline import shadow
from runtime.pipeline.session import detect
from runtime.pipeline.shadow import Shadow, parse
from runtime.sinks import Sink
from runtime.telemetry.state import State
from tests.support import tiny_detector

pytestmark = pytest.mark.skipif(os.name != "posix", reason="engines have processes of their own on POSIX only")

PATIENCE = 60


@pytest.fixture
def files(tmp_path):
    """Two models: the second finds class 2 instead of class 1, and the rest alike."""
    other = [(name, np.array([[2, 0, 1]], np.float32) if name == "b" else array) for name, array in tiny_detector.OUTPUTS]
    for name, outputs in (("one", tiny_detector.OUTPUTS), ("two", other)):
        (tmp_path / f"{name}.tflite").write_bytes(tiny_detector.build(outputs, signature={"output_0": 3, "output_1": 2, "output_2": 1, "output_3": 0}))
    return tmp_path


class Slow(Sink):
    """Gives the second model time: a frame is written only when it has been compared, up to `PATIENCE` seconds."""

    name = "slow"
    lossless = True

    def __init__(self, every=1):
        self.state = None
        self.every = every
        self.seen = 0

    def attach(self, state):
        self.state = state

    def write(self, frame, detections):
        self.seen += 1
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = self.state.snapshot().get("shadow", {})
            if found.get("error") or found.get("frames", 0) + found.get("missed", 0) >= self.seen // self.every:
                return
            time.sleep(0.005)


def images(folder, count=4):
    from runtime.media import images as files

    folder.mkdir()
    for number in range(count):
        files.write(folder / f"{number}.png", np.full((60, 80, 3), 40 * number, np.uint8))
    return str(folder)


def run(files, *words, sink=None):
    sink = sink or Slow()
    options = arguments.parse([str(files / "one.tflite"), "--source", images(files / "images"), "--threads", "1", *words])
    summary = detect(options, extra=[sink])
    return summary, sink.state.snapshot().get("shadow")


def test_agreement_is_counted_by_class(files, capsys):
    summary, found = run(files, "--shadow", f"{files / 'two.tflite'},share=1", "--score", "0.5")
    assert summary.frames == 4 and (found["model"], found["error"]) == ("two.tflite", "")
    compared = found["frames"]
    assert compared >= 1 and compared + found["missed"] == 4
    # Both find class 0; class 1 only the first, class 2 only the second.
    assert found["classes"] == {
        "class 0": (compared, 0, 0), "class 1": (0, compared, 0), "class 2": (0, 0, compared),
    }  # fmt: skip


def test_what_they_disagree_on_is_collected(files):
    words = ["--shadow", f"{files / 'two.tflite'},share=1", "--collect", f"{files / 'kept'},disagreement=on", "--score", "0.5"]
    _, found = run(files, *words)
    kept = list((files / "kept" / "annotations").iterdir())
    assert found["frames"] >= 1 and kept
    assert all("<chosen>disagreement</chosen>" in path.read_text() for path in kept)


def test_a_share_of_the_frames(files):
    _, found = run(files, "--shadow", f"{files / 'two.tflite'},share=0.25", sink=Slow(4))
    assert found["frames"] + found["missed"] == 1


def test_one_that_dies_again_and_again_is_given_up_and_the_run_goes_on(files, capsys, monkeypatch):
    def compare(self, *item):
        os.kill(self._process.pid, signal.SIGKILL)
        return original(self, *item)

    original = Shadow._compare
    monkeypatch.setattr(Shadow, "_compare", compare)
    monkeypatch.setattr(shadow, "_ATTEMPTS", 1)
    summary, found = run(files, "--shadow", f"{files / 'two.tflite'},share=1")
    assert summary.frames == 4 and "SIGKILL" in found["error"]
    assert "given up" in capsys.readouterr().err


def test_an_error_that_nobody_expects_is_told_and_the_run_goes_on(files, capsys, monkeypatch):
    def compare(self, *item):
        raise ValueError("strange")

    monkeypatch.setattr(Shadow, "_compare", compare)
    summary, found = run(files, "--shadow", f"{files / 'two.tflite'},share=1")
    assert summary.frames == 4 and found["error"] == "ValueError: strange" and found["frames"] == 0
    assert "two.tflite: given up: ValueError: strange" in capsys.readouterr().err


def test_a_frame_that_is_lost_with_its_engine_is_counted(files, monkeypatch):
    def compare(self, *item):
        if not killed:
            killed.append(self._process.pid)
            os.kill(self._process.pid, signal.SIGKILL)
        return original(self, *item)

    killed, original = [], Shadow._compare
    monkeypatch.setattr(Shadow, "_compare", compare)
    _, found = run(files, "--shadow", f"{files / 'two.tflite'},share=1")
    assert not found["error"] and found["missed"] >= 1 and found["frames"] + found["missed"] == 4


def test_a_frame_that_is_left_out_after_it_was_prepared_is_missed_at_once(files):
    options = arguments.parse([str(files / "one.tflite"), "--source", "x", "--shadow", f"{files / 'two.tflite'},share=1"])
    state = State()
    with Shadow(options, state, lambda *_: None) as made:
        made.prepare(Frame(np.zeros((60, 80, 3), np.uint8))).leave_out()
        assert (state.comparison.frames, state.comparison.missed) == (0, 1)
        # The next one is welcome.
        assert made.prepare(Frame(np.zeros((60, 80, 3), np.uint8))) is not None


def test_its_process_gets_what_time_is_left(files):
    options = arguments.parse([str(files / "one.tflite"), "--source", "x", "--shadow", str(files / "two.tflite")])
    with Shadow(options, State(), lambda *_: None) as made:
        pid = made._process.pid
        assert os.getpriority(os.PRIO_PROCESS, pid) == 19
        if hasattr(os, "SCHED_IDLE"):
            assert os.sched_getscheduler(pid) == os.SCHED_IDLE
        # A thread that the interpreter has started inherits it.
        for thread in os.listdir(f"/proc/{pid}/task") if os.path.isdir(f"/proc/{pid}/task") else ():
            assert os.getpriority(os.PRIO_PROCESS, int(thread)) == 19
    assert threading.active_count() < 50


@pytest.mark.parametrize("spec", ["", ",share=0.5", "a.tflite,share=0", "a.tflite,share=2", "a.tflite,rate=1"])
def test_wrong_settings(spec):
    with pytest.raises(InputError, match="--shadow"):
        parse(spec)


def test_a_file_that_is_no_detector_ends_the_start(files, tmp_path):
    (tmp_path / "bad.tflite").write_bytes(b"nothing")
    with pytest.raises(InputError):
        run(files, "--shadow", str(tmp_path / "bad.tflite"))
