"""Several cameras in a process of their own: signals, an Edge TPU that is opened once, exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from runtime.telemetry.health import Health
from tests.support import tiny_detector
from tests.support.edgetpu_library import edgetpu_library
from tests.support.mjpeg_server import MjpegServer, jpegs
from tests.support.paths import ROOT

if not hasattr(signal, "SIGHUP"):
    pytest.skip("there is no SIGHUP", allow_module_level=True)


def model(score):
    scores = np.array([[score, 0.1, 0.1]], np.float32)
    return tiny_detector.build([(name, scores if name == "c" else array) for name, array in tiny_detector.OUTPUTS], compiled=True)


@pytest.fixture
def start(tmp_path):
    started = []

    def start(*words, **environment):
        with open(tmp_path / "log", "w") as log:
            started.append(
                subprocess.Popen(
                    [sys.executable, "-m", "runtime", *words, "--threads", "1"], cwd=tmp_path, stderr=log, stdout=log,
                    env={**os.environ, "PYTHONPATH": str(ROOT), **environment}, preexec_fn=_listen,
                )
            )  # fmt: skip
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def _listen():
    # A suite that runs in the background was started deaf to Ctrl-C, and its children with it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_one_edge_tpu_for_all_is_closed_before_it_is_opened_again(start, tmp_path, edgetpu_library):
    (tmp_path / "tiny.tflite").write_bytes(model(0.9))
    with MjpegServer(jpegs([10, 100]), fps=30) as one, MjpegServer(jpegs([100, 10]), fps=30) as two:
        process = start(
            "tiny.tflite", "--source", f"door={one.url}", "--source", f"yard={two.url}", "--policy", "block",
            "--json", "{camera}.jsonl", "--health", "health.json", LD_LIBRARY_PATH=str(edgetpu_library.parent),
        )  # fmt: skip

        def until(true):
            end = time.monotonic() + 120
            while (health := Health.read(tmp_path / "health.json")) is None or not true(health):
                assert time.monotonic() < end and process.poll() is None, (tmp_path / "log").read_text()
                time.sleep(0.02)
            return health

        def all_go_on(since):
            return until(lambda health: all(own.frames > since.cameras[name].frames + 5 for name, own in health.cameras.items()))

        health = until(lambda health: len(health.cameras) == 2 and all(own.frames > 5 for own in health.cameras.values()))
        assert (health.engine, health.source_state, health.not_running) == ("edgetpu", "running", ())
        for number, score in enumerate((0.8, 0.7), 1):
            (tmp_path / "tiny.tflite").write_bytes(model(score))
            process.send_signal(signal.SIGHUP)
            all_go_on(until(lambda health, number=number: health.reloads == number))
        (tmp_path / "tiny.tflite").write_bytes(b"no model")
        process.send_signal(signal.SIGHUP)
        # The file of the model before is gone too, so that there is none to go back to: all cameras end.
        assert process.wait(60) == 1
        assert one.connections == two.connections == 1
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log and log.count("running tiny.tflite") == 2
    for name in ("door", "yard"):
        found = [json.loads(line) for line in (tmp_path / f"{name}.jsonl").read_text().splitlines()]
        numbers = [line["frame"] for line in found]
        assert numbers == sorted(set(numbers))
        scores = [round(line["detections"][0]["score"], 2) for line in found]
        assert scores == sorted(scores, reverse=True) and set(scores) == {0.9, 0.8, 0.7}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_all(start, tmp_path, number, code):
    (tmp_path / "tiny.tflite").write_bytes(tiny_detector.build())
    with MjpegServer(jpegs([10, 100]), fps=30) as one, MjpegServer(jpegs([100]), fps=30) as two:
        two.stalled.set()
        process = start("tiny.tflite", "--source", f"door={one.url}", "--source", f"yard={two.url}", "--json", "{camera}.jsonl")
        end = time.monotonic() + 120
        while not (tmp_path / "door.jsonl").exists() or (tmp_path / "door.jsonl").read_text().count("\n") < 10:
            assert time.monotonic() < end and process.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.02)
        process.send_signal(number)
        assert process.wait(60) == code
        two.stalled.clear()
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log
    assert "\ndoor: " in log and "\nall: " in log and "\nwritten: door.jsonl" in log


def test_a_file_that_cannot_be_read_fails_alone(start, tmp_path):
    (tmp_path / "tiny.tflite").write_bytes(tiny_detector.build())
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").write_bytes(jpegs([10])[0])
    (tmp_path / "text.mp4").write_text("no video")
    process = start("tiny.tflite", "--source", "door=images", "--source", "yard=text.mp4")
    assert process.wait(120) == 1
    log = (tmp_path / "log").read_text()
    assert "door: a.jpg: " in log and "camera yard: ended: text.mp4: " in log and "\ndoor: 1 frame, 2 detections" in log
    assert "\nyard: text.mp4: " in log and "Traceback" not in log
