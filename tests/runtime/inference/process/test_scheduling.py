"""Threads that give way to the engines, on Linux."""

from __future__ import annotations

import os
import threading

import pytest

from runtime.inference.process.engine import EngineProcess
from runtime.inference.process.scheduling import give_way, take_turns
from tests.support import tiny_detector

if not hasattr(os, "sched_setscheduler"):
    pytest.skip("only Linux has kinds of threads", allow_module_level=True)


def in_a_thread(work):
    """What `work` returns in a thread of its own, which the others' kind does not depend on."""
    found = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def test_it_is_for_the_calling_thread_and_can_be_undone():
    def work():
        kinds = []
        for change in (give_way, take_turns):
            change()
            kinds.append(os.sched_getscheduler(0))
        return kinds

    assert in_a_thread(work) == [os.SCHED_BATCH, os.SCHED_OTHER]
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_what_a_user_has_chosen_stays(monkeypatch):
    asked = []
    monkeypatch.setattr(os, "sched_getscheduler", lambda pid: os.SCHED_FIFO)
    monkeypatch.setattr(os, "sched_setscheduler", lambda *given: asked.append(given))
    give_way()
    take_turns()
    assert asked == []


def test_a_service_that_may_not_change_it_goes_on(monkeypatch):
    def forbidden(*_):
        raise PermissionError("Operation not permitted")

    monkeypatch.setattr(os, "sched_setscheduler", forbidden)
    give_way()


def test_an_engine_that_such_a_thread_starts_does_not_give_way(tmp_path):
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny_detector.build())

    def work():
        give_way()
        with EngineProcess(path) as process:
            process.wait_until_ready()
            return os.sched_getscheduler(process.pid)

    assert in_a_thread(work) == os.SCHED_OTHER
