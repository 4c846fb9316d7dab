"""A process that is started before the model is known."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from runtime import InputError, KitError
from runtime.__main__ import main
from runtime.common import command
from runtime.inference.process import engine, launch
from runtime.inference.process.engine import EngineProcess
from runtime.inference.process.worker import Lost, Worker
from runtime.telemetry.state import State
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


def test_files_in_the_working_directory_are_not_run(model, tmp_path, monkeypatch):
    for name in ("argparse", "json", "struct", "numpy", "runtime"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('planted')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    with EngineProcess(model) as process:
        process.wait_until_ready()


def descriptors():
    return set(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
@pytest.mark.parametrize("missing", ["subprocess.Popen", "os.pipe", "tempfile.TemporaryFile"])
def test_a_system_that_has_nothing_left_is_told_and_nothing_stays_open(monkeypatch, missing):
    before = descriptors()
    with monkeypatch.context() as without:
        without.setattr(missing, raising(OSError(errno.EAGAIN, "Resource temporarily unavailable")))
        # Also while the error is kept, and with it all that its frames refer to.
        with pytest.raises(KitError, match="no process can be started for the engine: Resource temporarily") as kept:
            launch.take()
        assert descriptors() == before, kept


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_a_system_without_another_thread_is_told_and_no_process_stays(model, monkeypatch):
    started, take = [], launch.take
    monkeypatch.setattr(engine, "take", lambda: started.append(take()) or started[-1])
    before = descriptors()
    with monkeypatch.context() as without:
        without.setattr(threading.Thread, "start", raising(RuntimeError("can't start new thread")))
        with pytest.raises(KitError, match="no thread can be started for the engine: can't start new thread") as kept:
            EngineProcess(model)
    (left,) = started
    assert left.process.poll() is not None and descriptors() == before, kept


def raising(error):
    def fail(*_, **__):
        raise error

    return fail


def test_an_engine_is_replaced_as_soon_as_the_system_can(model, monkeypatch):
    """The first attempt fails; the input behind the lost one is not lost."""
    start = subprocess.Popen
    failures = [OSError(errno.ENOMEM, "Cannot allocate memory")]

    def popen(*given, **named):
        if failures:
            raise failures.pop()
        return start(*given, **named)

    with EngineProcess(model) as process:
        process.wait_until_ready()
        made = Worker(process, State())
        # It stands still before it has anything to do, so that it cannot have answered when it is lost.
        os.kill(process.pid, signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)
        for job in ("lost", "kept"):
            made.submit([np.zeros(process.inputs[0].shape, process.inputs[0].dtype)], job)
        monkeypatch.setattr(subprocess, "Popen", popen)
        process.interrupt()
        outcomes = [made.next(lambda: None) for _ in range(2)]
    assert not failures and [job for job, _ in outcomes] == ["lost", "kept"]
    assert not isinstance(outcomes[1][1], Lost)


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


def test_the_engines_errors_spell_commands_as_they_were_typed(tmp_path, monkeypatch):
    (tmp_path / "pipeline.config").touch()
    monkeypatch.setattr(command, "started_as_edk", True)
    with EngineProcess(tmp_path) as process, pytest.raises(InputError, match=f"of it with: edk convert {tmp_path} --fp16"):
        process.wait_until_ready()
