"""A process that is started before the model is known."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runtime import InputError
from runtime.__main__ import main
from runtime.inference.process import launch
from runtime.inference.process.engine import EngineProcess
from tests.support import tiny_detector
from tests.support.paths import ROOT

if os.name != "posix":
    pytest.skip("engines have processes of their own on POSIX only", allow_module_level=True)


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny_detector.build())
    return path


def test_the_first_engine_takes_it_and_the_next_starts_another(model):
    with launch.prelaunch():
        ready = launch._spare.process
        with EngineProcess(model) as first, EngineProcess(model) as second:
            assert first.pid == ready.pid != second.pid
            for process in (first, second):
                process.wait_until_ready()
                assert process.engine == "cpu"
    assert ready.poll() is not None


def test_a_process_that_nobody_takes_is_ended():
    with launch.prelaunch():
        ready = launch._spare
    assert ready.process.poll() is not None and ready.tensor_file.closed and ready.lifeline.closed
    launch.end(ready)


def test_it_ends_when_its_parent_has_gone():
    program = "from runtime.inference.process import launch; import os; launch.prelaunch().__enter__(); os._exit(0)"
    # The child inherits standard error: the end of that stream means that no child is left.
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, stderr=subprocess.PIPE, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("words", [["--no-such-option"], ["none.tflite", "--source", "none.jpg", "--watchdog", "0"]])
def test_a_command_that_fails_early_leaves_no_process(words, capsys, monkeypatch):
    started = []
    original = launch.launch
    monkeypatch.setattr(launch, "launch", lambda file: started.append(original(file)) or started[-1])
    with pytest.raises((SystemExit, InputError)):
        main(words)
    assert [one.process.poll() is not None for one in started] == [True] and launch._spare is None


def test_help_starts_nothing(capsys, monkeypatch):
    monkeypatch.setattr(launch, "launch", None)
    with pytest.raises(SystemExit):
        main(["--help"])


def test_what_is_started_first_needs_nothing_large():
    program = "import sys; import runtime.__main__; print([name for name in ('numpy', 'cv2') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout == "[]\n"
