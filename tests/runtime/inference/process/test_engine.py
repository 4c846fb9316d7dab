"""Engine processes, with a library that hangs and crashes on request."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from runtime import Detector, InputError, KitError
from runtime.inference.engines import Request
from runtime.inference.interpreter import Interpreter
from runtime.inference.process import engine, launch
from runtime.inference.process import worker as engine_worker
from runtime.inference.process.engine import EngineLost, EngineProcess
from runtime.inference.process.shared_tensors import SLOTS
from runtime.inference.process.worker import Lost, Worker
from runtime.telemetry.state import State
from tests.support import tiny_detector
from tests.support.edgetpu_library import edgetpu_library
from tests.support.paths import ROOT


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "tiny_int8.tflite"
    path.write_bytes(tiny_detector.build())
    return path


@pytest.fixture
def compiled(path, edgetpu_library, monkeypatch):
    """A file for the Edge TPU, with the stand-in library on the library path of child processes."""
    monkeypatch.setenv("LD_LIBRARY_PATH", str(edgetpu_library.parent))
    compiled = path.with_name("tiny_int8_edgetpu.tflite")
    compiled.write_bytes(tiny_detector.build(compiled=True))
    return compiled


def image(process, value=0):
    return np.full(process.inputs[0].shape, value, process.inputs[0].dtype)


def ready(*arguments):
    process = EngineProcess(*arguments)
    process.wait_until_ready()
    return process


def test_outputs_equal_those_of_the_interpreter(path):
    here = Interpreter(path, Request("cpu"))
    with ready(path, Request("cpu", threads=1)) as process:
        assert (process.inputs, process.outputs) == (here.inputs, here.outputs)
        assert (process.engine, process.package, process.path) == ("cpu", here.package, str(path))
        for ours, theirs in zip(process.invoke(image(process)), here.invoke(image(process))):
            assert ours.dtype == np.float32 and np.array_equal(ours, theirs)
        assert min(process.bare_invoke(3)) > 0 and len(process.bare_invoke(3)) == 3
        assert len(Detector(path, runner=process)(np.zeros((9, 9, 3), np.uint8))) == 2


def test_as_many_as_there_are_slots_are_in_flight_and_come_back_in_order(shared):
    path = shared / "models/coco_ssd_mobilenet_v1_quant.tflite"
    here = Interpreter(path, Request("cpu", threads=1))
    with ready(path, Request("cpu", threads=1)) as process:
        images = [image(process, value) for value in range(0, 250, 50)]
        expected = [here.invoke(tensor) for tensor in images]
        for tensor in images[:SLOTS]:
            process.submit(tensor)
        assert (process.room, process.in_flight) == (0, SLOTS)
        results = []
        for tensor in images[SLOTS:]:
            outputs, taken = process.result()
            results.append(outputs)
            assert taken > 0 and process.room == 1
            process.submit(tensor)
        results += [process.result()[0] for _ in range(SLOTS)]
    for ours, theirs in zip(results, expected):
        assert all(np.array_equal(a, b) for a, b in zip(ours, theirs))


def test_errors_of_loading_are_raised_in_the_parent(tmp_path):
    (tmp_path / "text.tflite").write_text("no model")
    with pytest.raises(InputError, match=r"text\.tflite: not a \.tflite file"):
        ready(tmp_path / "text.tflite")
    path = tmp_path / "chip.tflite"
    path.write_bytes(tiny_detector.build(compiled=True))
    with pytest.raises(KitError, match=r"libedgetpu\.so\.1 is not installed"):
        ready(path)


def test_a_hung_process_is_ended_and_the_next_input_is_not_lost(compiled, tmp_path, monkeypatch):
    fuse = tmp_path / "fuse"
    fuse.write_text("x")
    for name, value in (("", "hang"), ("_RUN", "2"), ("_FUSE", str(fuse))):
        monkeypatch.setenv(f"EDGETPU_STANDIN{name}", value)
    with ready(compiled, Request(), 0.3) as process:
        process.invoke(image(process))
        first = process.pid
        for _ in range(SLOTS):
            process.submit(image(process))
        with pytest.raises(EngineLost, match=r"gave no answer for 0\.3 s while it ran the model"):
            process.result()
        process.restart()
        process.wait_until_ready()
        assert process.pid != first and (process.room, process.in_flight) == (1, SLOTS - 1)
        for _ in range(SLOTS - 1):
            assert process.result()[0][2].reshape(-1)[0] == pytest.approx(0.9)
        process.invoke(image(process))


@pytest.mark.parametrize("other", [{"input_shape": (1, 9, 8, 3)}, {"outputs": tiny_detector.OUTPUTS[:3]}])
def test_a_file_that_was_exchanged_for_another_network_is_not_run(path, other):
    with ready(path, Request("cpu")) as process:
        path.write_bytes(tiny_detector.build(**other))
        process.restart()
        with pytest.raises(KitError, match=r"tiny_int8\.tflite: has other inputs or outputs than the file that ran before"):
            process.wait_until_ready()
        path.write_bytes(tiny_detector.build())
        process.restart()
        process.wait_until_ready()
        assert len(process.invoke(image(process))) == 4


def test_a_hang_behind_an_answer_is_noticed_too(compiled, monkeypatch):
    monkeypatch.setenv("EDGETPU_STANDIN", "hang")
    monkeypatch.setenv("EDGETPU_STANDIN_RUN", "2")
    with ready(compiled, Request(), 0.3) as process:
        process.submit(image(process))
        process.submit(image(process))
        assert len(process.result()[0]) == 4
        with pytest.raises(EngineLost, match=r"gave no answer for 0\.3 s while it ran the model"):
            process.result()


def shared_maps():
    """The mappings of files without a name in this process."""
    return sum(line.endswith("(deleted)") for line in Path("/proc/self/maps").read_text().splitlines())


@pytest.mark.skipif(not Path("/proc/self/maps").is_file(), reason="needs /proc")
def test_close_leaves_no_thread_no_descriptor_and_no_memory(path):
    descriptors, maps, threads = set(os.listdir("/proc/self/fd")), shared_maps(), set(threading.enumerate())
    process = ready(path, Request("cpu"))
    process.invoke(image(process))
    (watchdog,) = set(threading.enumerate()) - threads
    assert shared_maps() == maps + 1
    process.close()
    watchdog.join(60)
    assert not watchdog.is_alive() and shared_maps() == maps and set(os.listdir("/proc/self/fd")) == descriptors
    assert process._launched.process.poll() is not None
    process.close()


def test_an_answer_that_is_collected_late_is_not_a_hang(path):
    with EngineProcess(path, Request("cpu"), hang=0.3) as process:
        process.wait_until_ready()
        for _ in range(2):
            process.submit(image(process))
        # The reader is busy for longer than an engine may take, as with a slow disk.
        time.sleep(1.0)
        assert len(process.result()[0]) == len(process.result()[0]) == 4
        assert len(process.invoke(image(process))) == 4


def test_the_signal_of_a_crash_is_named(compiled, monkeypatch):
    monkeypatch.setenv("EDGETPU_STANDIN", "crash")
    monkeypatch.setenv("EDGETPU_STANDIN_RUN", "1")
    crashed = "was ended by SIGABRT while it ran the model; a library for an acc"
    with ready(compiled) as process, pytest.raises(EngineLost, match=crashed):
        process.invoke(image(process))


START = """
import sys, time, numpy
from runtime.inference.process.engine import EngineProcess
process = EngineProcess(sys.argv[1])
"""
RUN = """
process.wait_until_ready()
process.submit(numpy.zeros(process.inputs[0].shape, numpy.uint8))
"""
WAIT = """
print(process.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(("mode", "code"), [("hang", START + RUN + WAIT), ("stuck", START + WAIT)])
def test_it_ends_with_its_parent_even_while_it_hangs(compiled, tmp_path, monkeypatch, mode, code):
    log = tmp_path / "log"
    monkeypatch.setenv("EDGETPU_STANDIN", mode)
    monkeypatch.setenv("EDGETPU_STANDIN_RUN", "1")
    monkeypatch.setenv("EDGETPU_STANDIN_LOG", str(log))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, "-c", code, str(compiled)], stdout=subprocess.PIPE, env=environment)
    child = int(parent.stdout.readline())
    end = time.monotonic() + 60
    while not log.exists() or "hangs=" not in log.read_text():
        assert time.monotonic() < end, "the library does not hang"
        time.sleep(0.01)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    for _ in range(300):
        if not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text().split()[2]:
            return
        time.sleep(0.05)
    pytest.fail("the engine's process outlived its parent")


def test_a_process_that_a_driver_holds_is_given_up(path, monkeypatch):
    """SIGKILL has no effect while a process waits inside a driver."""
    for module in (launch, engine):
        monkeypatch.setattr(module, "END_SECONDS", 0.05)
    with EngineProcess(path, Request("cpu"), hang=0.1) as process:
        process.wait_until_ready()
        held = process._launched.process
        with monkeypatch.context() as patched:
            patched.setattr(held, "kill", lambda: None)
            held.send_signal(signal.SIGSTOP)
            process.submit(image(process))
            with pytest.raises(EngineLost, match=r"gave no answer for 0\.1 s .*, and its driver keeps the killed process"):
                process.result()
            process.restart()
        process._hang = 600
        process.wait_until_ready()
        assert process.pid != held.pid and len(process.invoke(image(process))) == 4
        held.kill()
        held.wait()


class Fake:
    """A process whose results are given as a list of outputs and errors."""

    engine = "fake"
    notes = ("a note",)
    room = 2

    def __init__(self, outcomes, starts=()):
        self.outcomes, self.starts = list(outcomes), list(starts)

    def submit(self, tensor):
        pass

    def result(self):
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return [outcome], 1.0

    def restart(self):
        pass

    def wait_until_ready(self):
        error = self.starts.pop(0) if self.starts else None
        if error:
            raise error


@pytest.fixture
def worker(monkeypatch):
    waits = []
    monkeypatch.setattr(Worker, "_is_over", lambda self, seconds: waits.append(seconds))
    monkeypatch.setattr(engine_worker, "EngineProcess", Fake)

    def make(fake, attempts=None):
        state = State()
        made = Worker(fake, state, attempts)
        made.waits, made.state = waits, state
        return made

    return make


def test_a_lost_job_comes_back_as_lost_and_the_next_one_whole(worker, capsys):
    made = worker(Fake([EngineLost("hung"), "b"]))
    for job in ("first", "second"):
        made.submit([None], job)
    room = []
    assert made.next(lambda: room.append(made.has_room())) == ("first", Lost("hung"))
    assert room == [False], "no room before there is a new engine"
    assert made.next(lambda: room.append(made.has_room())) == ("second", ([["b"]], 1.0))
    assert made.state.snapshot()["engine"] == {"name": "fake", "package": "", "state": "running", "restarts": 1}
    assert capsys.readouterr().err == "engine lost: hung; a new one is started\nengine: a note\n"


def test_five_failures_in_a_minute_back_off(worker):
    made = worker(Fake([EngineLost("hung")] * 8))
    for job in range(8):
        made.submit([None], job)
    for _ in range(8):
        made.next(lambda: None)
    made.end()
    made.next(lambda: None)
    assert made.waits == [0, 0, 0, 0, 1, 2, 4, 8]


def test_an_engine_that_cannot_be_restarted(worker):
    gone = KitError("no Edge TPU")
    made = worker(Fake([EngineLost("hung"), "b"], [gone] * 6))
    made.submit([None], "a")
    made.submit([None], "b")
    made.next(lambda: None)
    assert made.next(lambda: None)[0] == "b", "a camera waits for ever"
    made = worker(Fake([EngineLost("hung")], [gone] * 6), attempts=3)
    made.submit([None], "a")
    made.next(lambda: None)
    with pytest.raises(KitError, match="no Edge TPU; given up after 3 tries"):
        made.next(lambda: None)


def test_one_that_is_killed_with_all_its_slots_full_loses_one_input(path):
    with EngineProcess(path, Request("cpu", threads=1)) as process:
        process.wait_until_ready()
        made = Worker(process, State())
        # It stands still before it has anything to do, so that it cannot have answered when it is lost.
        os.kill(process.pid, signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)
        for job in range(SLOTS):
            made.submit([image(process)], job)
        assert made.in_flight == SLOTS and not made.has_room()
        process.interrupt()
        outcomes = [made.next(lambda: None) for _ in range(SLOTS)]
        assert made.in_flight == 0 and made.has_room()
    assert [job for job, _ in outcomes] == list(range(SLOTS))
    assert [isinstance(outcome, Lost) for _, outcome in outcomes] == [True] + [False] * (SLOTS - 1)


def test_one_that_is_retired_has_no_room(worker):
    made = worker(Fake(["a"]))
    made.submit([None], "a")
    made.retire()
    assert not made.has_room() and made.next(lambda: None)[0] == "a"


def test_most_limits_what_is_in_flight(worker):
    made = worker(Fake(["a"]))
    assert made.has_room(1)
    made.submit([None], "a")
    assert made.has_room() and not made.has_room(1)
    made.end()
    assert not made.has_room() and made.next(lambda: None) == (None, None)
