from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from devices.update.runtime_process import RuntimeProcess
from runtime.telemetry.health import Health

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")

# Says on standard output what it gets; its command line does not say what it is.
_CATCHES = "import signal, sys; signal.signal(signal.SIGHUP, lambda *_: print('again', flush=True)); print('on', flush=True); sys.stdin.read()"
_DOES_NOT = "import sys; print('on', flush=True); sys.stdin.read()"


@pytest.fixture
def begin(tmp_path):
    begun = []

    def start(program):
        process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        begun.append(process)
        assert process.stdout.readline() == "on\n"
        now = time.time()
        health = Health(now, now, process.pid, "old.tflite", "", 1, 10.0, "cpu", "running", 0, "running")
        (tmp_path / "health.json").write_text(health.text())
        return process, RuntimeProcess(tmp_path / "health.json", print)

    yield start
    for process in begun:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_a_runtime_is_signalled_however_it_was_started(begin, tmp_path):
    process, runtime = begin(_CATCHES)
    assert runtime.health() is not None
    runtime.reload(tmp_path / "new.tflite")
    assert process.stdout.readline() == "again\n"


def test_a_process_that_a_hangup_would_end_is_left_alone(begin, tmp_path):
    process, runtime = begin(_DOES_NOT)
    runtime.reload(tmp_path / "new.tflite")
    process.stdin.close()
    assert process.wait() == 0
