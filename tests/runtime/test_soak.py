"""A soak test: a run in which everything fails that fails within months of use.

The suite runs a short one. For a long one: KIT_SOAK_FRAMES=20000 python -m pytest -s tests/runtime/test_soak.py
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from runtime.bench import cold_start
from tests.support import tiny_detector
from tests.support.edgetpu_library import edgetpu_library
from tests.support.mosquitto import Mosquitto
from tests.support.paths import ROOT
from tests.support.ports import free_port

FRAMES = int(os.environ.get("KIT_SOAK_FRAMES", "600"))
EVERY = 500 if FRAMES >= 5000 else 100
HANGS = 2
VIEWERS = 3
# Megabytes by which the memory may grow from the second to the last quarter. In a short run, caches still fill up.
GROWTH = 4.0 if FRAMES >= 5000 else 16.0

# The command, with a camera that fails; at the end it also prints how many frames each sink dropped.
COMMAND = """
import json, sys
import runtime.sources
runtime.sources.__path__.append(sys.argv.pop(1))
from runtime.__main__ import main
from runtime.common.command import run
from runtime.pipeline import session

detect, states = session.detect, []

def detect_and_report(options, use):
    summary = detect(options, use=lambda state: (states.append(state), use(state)))
    print("dropped by sinks:", json.dumps(states[0].snapshot()["dropped"]["sinks"]), file=sys.stderr)
    return summary

session.detect = detect_and_report
run(main, leaves_threads=True)
"""


class Run:
    """The command in its own process, observed from outside."""

    def __init__(self, place, library, words):
        (place / "fuse").write_text("x" * HANGS)
        (place / "tiny_edgetpu.tflite").write_bytes(tiny_detector.build(compiled=True))
        self.lines = place / "found.jsonl"
        environment = {
            **os.environ, "PYTHONPATH": str(ROOT), "LD_LIBRARY_PATH": str(library.parent), "EDGETPU_STANDIN": "hang",
            "EDGETPU_STANDIN_RUN": str(FRAMES // 5), "EDGETPU_STANDIN_FUSE": str(place / "fuse"),
        }  # fmt: skip
        self._errors = place / "errors"
        with self._errors.open("w") as errors:
            self.process = subprocess.Popen(
                [
                    sys.executable, "-c", COMMAND, str(ROOT / "tests" / "soak_sources"), "tiny_edgetpu.tflite",
                    "--source", f"failing:{EVERY}", "--policy", "block", "--frames", str(FRAMES), "--watchdog", "1",
                    "--json", str(self.lines), *words,
                ],
                cwd=place, env=environment, stdout=subprocess.DEVNULL, stderr=errors,
            )  # fmt: skip

    @property
    def done(self):
        """The number of frames so far."""
        return self.lines.read_bytes().count(b"\n") if self.lines.exists() else 0

    def files(self):
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def threads(self):
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    @property
    def errors(self):
        return self._errors.read_text()


def watch(port, stop, seen):
    """A viewer that connects and disconnects repeatedly."""
    from websockets.exceptions import WebSocketException
    from websockets.sync.client import connect

    while not stop.is_set():
        try:
            with connect(f"ws://127.0.0.1:{port}/live", compression=None, open_timeout=5) as live:
                for _ in range(10):
                    live.recv(timeout=5)
                    seen.append(1)
        except (OSError, WebSocketException, TimeoutError):
            pass
        stop.wait(0.2)


# A long run has no time limit.
@pytest.mark.timeout(600 if FRAMES < 5000 else 0)
def test_months_in_short(tmp_path, edgetpu_library):
    if sys.platform != "linux":
        pytest.skip("memory, files and threads of a process are read from /proc, which is Linux's")
    pytest.importorskip("websockets")
    pytest.importorskip("paho.mqtt.client")
    port, stop, seen = free_port(), threading.Event(), []
    with Mosquitto(tmp_path) as broker:
        words = ["--serve", f"{port}", "--mqtt", f"mqtt://{broker.address}/edge/soak"]
        run = Run(tmp_path, edgetpu_library, words)
        viewers = [threading.Thread(target=watch, args=(port, stop, seen), daemon=True) for _ in range(VIEWERS)]
        for viewer in viewers:
            viewer.start()
        samples, restarts = [], [FRAMES // 4, FRAMES // 2]
        begin = time.monotonic()
        while run.process.poll() is None:
            if restarts and run.done >= restarts[0]:
                restarts.pop(0)
                broker.stop()
                time.sleep(0.5)
                broker.start()
            try:
                samples.append((run.done, cold_start.resident(run.process.pid)[0], run.files(), run.threads()))
            except OSError:
                break
            time.sleep(0.05 if FRAMES < 5000 else 0.5)
            assert time.monotonic() - begin < 120 + FRAMES, run.errors
        stop.set()
        code = run.process.wait(60)
    errors = run.errors
    assert code == 0, errors
    summary, written = errors.splitlines()[-2:]
    print(summary)
    assert written.startswith("written: ") and written.endswith("found.jsonl")
    # The policy is `block`, so only frames in a hanging engine are lost.
    assert re.match(rf"{FRAMES - HANGS} frames, {2 * (FRAMES - HANGS)} detections, {HANGS} dropped, ", summary), errors
    gaps = (FRAMES - 1) // EVERY
    assert f", {gaps} gaps in the source, {HANGS} restarts of the engine;" in summary
    assert errors.count("source lost: failing: the cable was pulled") == gaps
    assert errors.count("engine lost: the engine gave no answer for 1 s") == HANGS
    assert "Traceback" not in errors and not restarts and len(seen) > VIEWERS
    indices = [json.loads(line)["frame"] for line in run.lines.read_text().splitlines()]
    assert indices == sorted(set(indices)) and indices[-1] < FRAMES
    # With a live source the loop waits for no sink: on a busy machine the file may lack any frame, the last one too.
    # Every frame that it lacks is counted, but for one that was being written when the run ended.
    dropped = json.loads(re.search(r"^dropped by sinks: (.*)$", errors, re.MULTILINE)[1])["JsonLines"]
    assert len(indices) + dropped in (FRAMES - HANGS, FRAMES - HANGS - 1)
    check_growth(samples)


def check_growth(samples):
    """Compares memory, open files and threads of the last quarter with those of the second.

    Samples of the run's end do not count: there, threads and files disappear one after the other, which takes longer
    than a quarter of a short run.
    """
    early = [sample for sample in samples if FRAMES // 4 <= sample[0] < FRAMES // 2]
    late = [sample for sample in samples if 3 * FRAMES // 4 <= sample[0] < samples[-1][0]]
    assert early and late
    before, after = ([statistics.median(column) for column in list(zip(*part))[1:]] for part in (early, late))
    print(f"memory {before[0]:.1f} -> {after[0]:.1f} MB, files {before[1]} -> {after[1]}, threads {before[2]} -> {after[2]}")
    assert after[0] - before[0] < GROWTH
    # Viewers connect and disconnect.
    assert abs(after[1] - before[1]) <= 2 * VIEWERS and abs(after[2] - before[2]) <= 2 * VIEWERS
