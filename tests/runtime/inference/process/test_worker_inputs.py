"""Jobs of several inputs, as the tiles of one frame are."""

from __future__ import annotations

import os
import signal
from collections import deque

import numpy as np
import pytest

from runtime.inference.engines import Request
from runtime.inference.process import worker as engine_worker
from runtime.inference.process.engine import EngineLost, EngineProcess
from runtime.inference.process.shared_tensors import SLOTS
from runtime.inference.process.worker import Lost, Worker
from runtime.telemetry.state import State
from tests.support import tiny_detector


class Slots:
    """An engine with SLOTS slots that gives back its inputs, but for those in `bad`, with which it is lost."""

    engine = "slots"
    notes = ()

    def __init__(self, bad=()):
        self.bad = set(bad)
        self.held = deque()
        self.ran = []

    @property
    def room(self):
        return SLOTS - len(self.held)

    def submit(self, tensor):
        assert self.room
        self.held.append(tensor)

    def result(self):
        tensor = self.held.popleft()
        self.ran.append(tensor)
        if tensor in self.bad:
            raise EngineLost("hung")
        return [tensor], 1.0

    def restart(self):
        pass

    wait_until_ready = restart


@pytest.fixture
def made(monkeypatch):
    monkeypatch.setattr(Worker, "_is_over", lambda self, seconds: False)
    monkeypatch.setattr(engine_worker, "EngineProcess", Slots)
    return lambda *bad: Worker(Slots(bad), State())


def nothing():
    pass


def test_a_job_comes_out_once_with_the_outputs_of_all_its_inputs(made):
    worker = made()
    worker.submit(list("abcdef"), "first")
    worker.submit(list("gh"), "second")
    assert worker.next(nothing) == ("first", ([[name] for name in "abcdef"], 6.0))
    assert worker.next(nothing) == ("second", ([["g"], ["h"]], 2.0))


def test_the_slots_stay_full_while_inputs_wait(made):
    worker = made()
    worker.submit(list("abcdef"), "first")
    held, room = [], []

    def on_room():
        held.append(len(worker._runner.held))
        room.append(worker.has_room())

    assert not worker.has_room() and worker.in_flight == 1, "two inputs wait outside"
    worker.next(on_room)
    assert held == [4, 4, 3, 2, 1, 0] and room == [False, False, True, True, True, True]


def test_a_job_may_be_submitted_while_the_last_inputs_of_another_run(made):
    worker = made()
    worker.submit(list("abcde"), "first")

    def on_room():
        if worker.has_room() and worker.in_flight == 1:
            worker.submit(list("vwxyz"), "second")

    assert worker.next(on_room)[0] == "first"
    assert worker.in_flight == 1 and len(worker._runner.held) == SLOTS
    assert worker.next(on_room)[0] == "second"
    assert "".join(worker._runner.ran) == "abcdevwxyz"


@pytest.mark.parametrize("lost", "abcde")
def test_a_lost_input_loses_its_job_once_and_no_other(made, lost):
    worker = made(lost)
    worker.submit(list("abcde"), "first")
    assert worker.next(nothing) == ("first", Lost("hung"))
    assert worker.in_flight == 0
    worker.submit(list("vwxyz"), "second")
    assert worker.next(nothing) == ("second", ([[name] for name in "vwxyz"], 5.0))
    unsent = {"a": "e"}.get(lost, "")
    assert "".join(worker._runner.ran) == "".join(name for name in "abcde" if name not in unsent) + "vwxyz"


def test_an_input_of_a_lost_job_that_is_lost_too_is_not_counted_again(made):
    worker = made("a", "c")
    worker.submit(list("abcde"), "first")
    worker.submit(list("xy"), "second")
    assert worker.next(nothing) == ("first", Lost("hung"))
    assert worker.next(nothing) == ("second", ([["x"], ["y"]], 2.0))


def test_all_that_a_retired_worker_has_left_comes_out(made):
    worker = made()
    worker.submit(list("abcdef"), "first")
    worker.submit(list("gh"), "second")
    worker.retire()
    assert [worker.next(nothing)[0] for _ in range(3)] == ["first", "second", None]
    worker = made("b")
    worker.submit(list("abcdef"), "first")
    worker.submit(list("gh"), "second")
    worker.retire()
    assert [worker.next(nothing) for _ in range(2)] == [("first", Lost("hung")), ("second", Lost("hung"))]


@pytest.mark.skipif(os.name != "posix", reason="engines have processes of their own on POSIX only")
def test_a_killed_engine_costs_the_job_whose_input_it_ran(tmp_path):
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny_detector.build())
    with EngineProcess(path, Request("cpu", threads=1)) as process:
        process.wait_until_ready()
        worker = Worker(process, State())
        # It stands still before it has anything to do, so that it cannot have answered when it is lost.
        os.kill(process.pid, signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)
        image = np.zeros(process.inputs[0].shape, process.inputs[0].dtype)
        worker.submit([image] * 5, "lost")
        worker.submit([image] * 5, "kept")
        process.interrupt()
        (first, outcome), (second, kept) = (worker.next(nothing) for _ in range(2))
    assert (first, second) == ("lost", "kept") and isinstance(outcome, Lost)
    assert len(kept[0]) == 5 and all(len(raw) == 4 for raw in kept[0])
