"""A process that is started before it is known what it will run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runtime import InputError
from runtime.__main__ import main
from runtime.inference.process import launch as engine_launch
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


def test_the_first_engine_gets_it_and_the_next_one_of_its_own(model):
    with engine_launch.ahead():
        ready = engine_launch._spare.process
        with EngineProcess(model) as first, EngineProcess(model) as second:
            assert first.pid == ready.pid != second.pid
            for process in (first, second):
                process.wait_until_ready()
                assert process.engine == "cpu"
    assert ready.poll() is not None


def test_one_that_nobody_wants_is_ended():
    with engine_launch.ahead():
        ready = engine_launch._spare
    assert ready.process.poll() is not None and ready.memory.closed and ready.life.closed
    engine_launch.end(ready)


def test_it_ends_when_its_parent_has_gone():
    program = "from runtime.inference.process import launch; import os; launch.ahead().__enter__(); os._exit(0)"
    # What it prints goes where the parent's errors go: read to its end, there is nobody left who could.
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, stderr=subprocess.PIPE, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("words", [["--no-such-option"], ["none.tflite", "--source", "none.jpg", "--watchdog", "0"]])
def test_a_command_that_needs_none_leaves_none(words, capsys, monkeypatch):
    started = []
    launch = engine_launch.launch
    monkeypatch.setattr(engine_launch, "launch", lambda memory: started.append(launch(memory)) or started[-1])
    with pytest.raises((SystemExit, InputError)):
        main(words)
    assert [one.process.poll() is not None for one in started] == [True] and engine_launch._spare is None


def test_help_starts_nothing(capsys, monkeypatch):
    monkeypatch.setattr(engine_launch, "launch", None)
    with pytest.raises(SystemExit):
        main(["--help"])


def test_what_is_started_first_needs_nothing_large():
    program = "import sys; import runtime.__main__; print([name for name in ('numpy', 'cv2') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout == "[]\n"
