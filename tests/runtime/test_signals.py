"""Runs that are ended by SIGTERM, Ctrl-C or SIGKILL, or that lose their engine."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from runtime.common.opencv import cv2
from tests.support import tiny_detector
from tests.support.edgetpu_library import edgetpu_library
from tests.support.paths import ROOT

if os.name != "posix":
    pytest.skip("signals are POSIX's", allow_module_level=True)


@pytest.fixture
def place(tmp_path):
    (tmp_path / "tiny_int8.tflite").write_bytes(tiny_detector.build())
    (tmp_path / "tiny_int8_edgetpu.tflite").write_bytes(tiny_detector.build(compiled=True))
    writer = cv2.VideoWriter(str(tmp_path / "clip.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 30, (320, 240))
    for index in range(50):
        image = np.full((240, 320, 3), 40, np.uint8)
        image[50:100, 4 * index : 4 * index + 50] = 255
        writer.write(image)
    writer.release()
    return tmp_path


@pytest.fixture
def start(place):
    """Starts runs in `place`, and kills those that a failed test leaves behind."""
    started = []

    def start(*words, model="tiny_int8.tflite", **environment):
        command = [sys.executable, "-m", "runtime", model, "--source", "clip.avi", "--threads", "1", *words]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
        pipes = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
        process = subprocess.Popen(command, cwd=place, env=environment, text=True, preexec_fn=_listen, **pipes)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def _listen():
    # A suite that runs in the background was started deaf to Ctrl-C, and its children with it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def until(true, process):
    deadline = time.monotonic() + 60
    while not true():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_an_end_from_outside_keeps_everything(place, start, number, code):
    process = start("--loop", "--json", "a.jsonl", "--out", "a.mp4")
    until(lambda: len(lines(place / "a.jsonl")) > 60, process)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    assert re.search(r"\n\d+ frames, \d+ detections", errors)
    found = [json.loads(line) for line in lines(place / "a.jsonl")]
    assert [line["frame"] for line in found] == list(range(len(found)))
    capture = cv2.VideoCapture(str(place / "a.mp4"))
    assert capture.isOpened()
    assert sum(1 for _ in iter(lambda: capture.read()[0], False)) == len(found)
    assert sorted(path.name for path in place.iterdir() if path.name.startswith(".")) == []


def test_kill_9_loses_nothing_that_was_written(place, start):
    process = start("--loop", "--json", "a.jsonl", "--out", "a.mp4")
    until(lambda: len(lines(place / "a.jsonl")) > 150, process)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    engines = children.read_text().split() if children.exists() else []
    process.kill()
    process.communicate()
    found = lines(place / "a.jsonl")
    assert all(json.loads(line)["frame"] == index for index, line in enumerate(found))
    capture = cv2.VideoCapture(str(place / "a.mp4"))
    frames = sum(1 for _ in iter(lambda: capture.read()[0], False))
    # Two seconds of 30 frames make a fragment; a few frames are on their way between the two sinks.
    assert frames % 60 == 0 and len(found) - 80 <= frames <= len(found) + 8
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in engines):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_engine_that_hangs_is_replaced(place, start, edgetpu_library):
    (place / "fuse").write_text("xx")
    process = start(
        "--json", "a.jsonl", "--watchdog", "0.5", model="tiny_int8_edgetpu.tflite",
        LD_LIBRARY_PATH=str(edgetpu_library.parent), EDGETPU_STANDIN="hang", EDGETPU_STANDIN_RUN="10",
        EDGETPU_STANDIN_FUSE=str(place / "fuse"),
    )  # fmt: skip
    _, errors = process.communicate(timeout=100)
    assert process.returncode == 0, errors
    assert errors.count("engine lost: the engine gave no answer for 0.5 s while it ran the model") == 2
    assert "48 frames, 96 detections, 2 dropped, 2 restarts of the engine" in errors
    indices = [json.loads(line)["frame"] for line in lines(place / "a.jsonl")]
    assert len(indices) == 48 and indices == sorted(set(indices)) and indices[-1] == 49


def test_an_engine_that_is_not_available_is_one_line(place, start):
    process = start(model="tiny_int8_edgetpu.tflite")
    out, errors = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert errors.startswith("error: edgetpu: libedgetpu.so.1 is not installed") and len(errors.splitlines()) == 1
    process = start("--fallback", "--json", "-", model="tiny_int8_edgetpu.tflite")
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0 and len(out.splitlines()) == 50
    assert errors.startswith("warning: edgetpu: libedgetpu.so.1 is not installed")
    assert "fell back on tiny_int8.tflite\n" in errors


LEFT = """
import sys, threading
import numpy as np
from runtime.common.command import run
from runtime.common.opencv import cv2

def main(argv):
    image = np.zeros((2000, 2000, 3), np.uint8)
    begun = threading.Event()

    def work():
        while True:
            cv2.blur(image, (9, 9))
            begun.set()

    threading.Thread(target=work, daemon=True).start()
    begun.wait()
    print("said")
    {end}

run(main, leaves_threads=True)
"""


@pytest.mark.parametrize(
    ("end", "code", "said"),
    [
        ("return 3", 3, ""),
        ("sys.exit(2)", 2, ""),
        ("raise OSError('what')", 1, "OSError: what"),
    ],
)
def test_a_thread_left_in_foreign_code_does_not_abort_the_end(end, code, said):
    done = subprocess.run(
        [sys.executable, "-c", LEFT.format(end=end)],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (code, "said\n"), done.stderr
    assert said in done.stderr and "terminate" not in done.stderr
