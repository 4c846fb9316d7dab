from __future__ import annotations

import threading

import numpy as np

from runtime import Frame, KitError
from runtime.pipeline.sink_thread import QUEUE_SIZE, SinkThread
from runtime.sinks import Sink
from runtime.telemetry.state import State


class Gate(Sink):
    """A sink that writes when it is allowed to."""

    def __init__(self, lossless=True, main=False):
        self.lossless, self.on_main_thread = lossless, main
        self.open = threading.Event()
        self.begun = threading.Event()
        self.done = threading.Semaphore(0)
        self.kept = []
        self.error = None

    def write(self, frame, detections):
        self.begun.set()
        self.open.wait(20)
        error = self.error
        self.done.release()
        if error:
            raise error
        self.kept.append((frame.index, threading.current_thread()))

    @property
    def indices(self):
        return [index for index, _ in self.kept]


def frame(index):
    return Frame(np.zeros((1, 1, 3), np.uint8), index)


def started(sink, waits):
    state, failed = State(), []
    return SinkThread(sink, "gate", state, waits, lambda: failed.append(1)), state, failed


def dropped(state):
    return state.snapshot()["dropped"]["sinks"].get("gate", 0)


def test_a_slow_sink_loses_frames_and_blocks_nothing():
    sink = Gate(lossless=False)
    outlet, state, _ = started(sink, waits=False)
    outlet.put(frame(0), ())
    assert sink.begun.wait(20)
    for index in range(1, 10):
        outlet.put(frame(index), ())
    assert dropped(state) == 9 - QUEUE_SIZE
    sink.open.set()
    outlet.end(20)
    assert sink.indices == list(range(1 + QUEUE_SIZE))


def test_a_lossless_one_is_waited_for():
    sink = Gate()
    outlet, state, _ = started(sink, waits=True)
    thread = threading.Thread(target=lambda: [outlet.put(frame(index), ()) for index in range(20)])
    thread.start()
    assert sink.begun.wait(20) and thread.is_alive()
    sink.open.set()
    thread.join(20)
    outlet.end(20)
    assert sink.indices == list(range(20)) and dropped(state) == 0
    assert len({writer for _, writer in sink.kept}) == 1


def test_the_wait_at_the_end_is_limited():
    sink = Gate()
    outlet, state, _ = started(sink, waits=True)
    for index in range(3):
        outlet.put(frame(index), ())
    assert sink.begun.wait(20)
    outlet.end(0.01)
    assert dropped(state) == 2
    outlet.put(frame(9), ())
    sink.open.set()


def test_an_error_ends_a_lossless_sink():
    sink = Gate()
    sink.error = KitError("disk full")
    outlet, _, failed = started(sink, waits=True)
    sink.open.set()
    for index in range(3 * QUEUE_SIZE):
        outlet.put(frame(index), ())
    outlet.end(20)
    assert outlet.error is sink.error and failed == [1]


def test_errors_of_another_one_are_told_once_and_counted(capsys):
    sink = Gate(lossless=False)
    outlet, state, failed = started(sink, waits=True)
    sink.open.set()
    for error in [KitError("no broker")] * 3 + [ValueError("odd")] * 2 + [None]:
        sink.error = error
        outlet.put(frame(0), ())
        assert sink.done.acquire(timeout=20)
    outlet.end(20)
    assert sink.indices == [0]
    assert dropped(state) == 5 and failed == [] and outlet.error is None
    assert capsys.readouterr().err.splitlines() == [
        "gate: no broker; frames are dropped until that is over",
        "gate: ValueError: odd; frames are dropped until that is over",
    ]


def test_on_the_main_thread():
    sink = Gate(lossless=False, main=True)
    outlet, _, _ = started(sink, waits=False)
    sink.open.set()
    for index in range(3):
        outlet.put(frame(index), ())
    assert outlet.write_next() and sink.indices == [0]
    outlet.end(0)
    assert sink.indices == [0, 1, 2] and not outlet.write_next()
    assert {writer for _, writer in sink.kept} == {threading.current_thread()}
