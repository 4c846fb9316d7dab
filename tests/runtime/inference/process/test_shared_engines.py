from __future__ import annotations

import threading
from collections import Counter, deque

import pytest

from runtime import KitError
from runtime.inference.process.shared_engines import SharedEngines
from runtime.inference.process.turns import Turns
from runtime.inference.process.worker import Worker
from runtime.telemetry.state import State

# Seconds after which a thread that waits gives up, on whatever machine.
PATIENCE = 60


def test_turns_go_round_and_a_rare_one_waits_for_one_of_each_other():
    turns = Turns()
    for who in "abc":
        turns.wait(who, 2)
    served = []
    for _ in range(9):
        who, most = turns.first
        served.append(who)
        turns.leave(who)
        # c wants only one turn.
        if who != "c":
            turns.wait(who, most)
    assert "".join(served) == "abcababab"


def test_who_waits_keeps_its_place_and_may_leave():
    turns = Turns()
    assert turns.first is None
    turns.wait("a", 1)
    turns.wait("b", 2)
    turns.wait("a", 2)
    assert turns.first == ("a", 2)
    turns.leave("a")
    turns.leave("nobody")
    assert turns.first == ("b", 2)


class Engine:
    """Gives its input back, when it may; fails for the input "bad"."""

    def __init__(self):
        self.go = threading.Semaphore(0)
        self.ran = []

    def invoke(self, tensor):
        assert self.go.acquire(timeout=PATIENCE)
        if tensor == "bad":
            raise KitError("it does not fit")
        self.ran.append(tensor)
        return [tensor]


class Loop:
    """Wants a turn at a lane as long as it has inputs, as the loop does; keeps what comes out."""

    def __init__(self, engines, inputs, most=None):
        self.lane, self.inputs, self.most = engines.lane(), deque(inputs), most
        self.out, self.error = [], None
        self._lock = threading.RLock()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()
        self.offer()
        return self

    def offer(self):
        with self._lock:
            while self.inputs and self.lane.has_room(self.most):
                tensor = self.inputs.popleft()
                self.lane.submit([tensor], tensor)

    def _run(self):
        try:
            while True:
                job, outcome = self.lane.next(self.offer)
                if job is None:
                    return
                ((output,),) = outcome[0]
                self.out.append((job, output))
        except KitError as error:
            self.error = str(error)

    def join(self):
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()


@pytest.fixture
def shared():
    made = []

    def make(count=1):
        engines = [Engine() for _ in range(count)]
        shared = SharedEngines([Worker(engine, State()) for engine in engines])
        made.append((shared, engines))
        return shared, engines

    yield make
    for shared, engines in made:
        shared.end()
        for engine in engines:
            engine.go.release(1000)
        assert shared.join(PATIENCE)


def until(true):
    for _ in range(PATIENCE * 1000):
        if true():
            return
        threading.Event().wait(0.001)
    raise AssertionError("it did not happen")


def test_each_outcome_goes_to_the_lane_whose_input_it_was(shared):
    engines, (one, two) = shared(2)
    one.go.release(1000)
    two.go.release(1000)
    loops = [Loop(engines, [f"{name}{number}" for number in range(100)]).start() for name in "abc"]
    until(lambda: all(len(loop.out) == 100 for loop in loops))
    for name, loop in zip("abc", loops):
        assert all(job == outcome and job.startswith(name) for job, outcome in loop.out)
        assert {job for job, _ in loop.out} == {f"{name}{number}" for number in range(100)}


@pytest.mark.parametrize("most", [(1, 1, 1), (None, None, None), (1, None, 2)])
def test_who_always_wants_a_turn_gets_as_many_as_others_whatever_the_policy(shared, most):
    engines, (engine,) = shared()
    loops = [Loop(engines, [name] * 1000, limit).start() for name, limit in zip("abc", most)]
    for step in range(1, 91):
        engine.go.release()
        until(lambda step=step: len(engine.ran) == sum(len(loop.out) for loop in loops) == step)
    assert {name: abs(count - 30) <= 1 for name, count in Counter(engine.ran).items()} == dict.fromkeys("abc", True)


def test_a_lane_that_does_not_take_what_came_out_holds_no_other(shared):
    engines, (engine,) = shared()
    engine.go.release(1000)
    stuck = Loop(engines, ["s"] * 100)
    # It submits, and its thread takes nothing.
    stuck.offer()
    other = Loop(engines, ["o"] * 50).start()
    until(lambda: len(other.out) == 50)
    assert stuck.lane.in_flight == 2
    stuck.start()
    until(lambda: len(stuck.out) == 100)


def test_engines_end_with_the_last_lane_and_what_is_in_them_comes_out(shared):
    engines, (engine,) = shared()
    loops = [Loop(engines, [name]).start() for name in "ab"]
    engines.seal()
    for loop in loops:
        loop.lane.retire()
    assert not engines.join(0.01)
    engine.go.release(2)
    assert engines.join(PATIENCE)
    for loop, name in zip(loops, "ab"):
        loop.join()
        assert loop.out == [(name, name)] and not loop.lane.has_room()


def test_a_lane_that_ends_gives_its_turn_on(shared):
    engines, (engine,) = shared()
    first, second = engines.lane(), Loop(engines, ["b"], 1)
    assert first.has_room(1)
    second.start()
    assert not second.out and not second.lane.has_room(1)
    engine.go.release()
    first.end()
    until(lambda: second.out == [("b", "b")])
    assert first.next(lambda: None) == (None, None)


def test_an_engine_that_fails_for_good_fails_all_lanes(shared):
    engines, (engine,) = shared()
    engine.go.release(10)
    loops = [Loop(engines, inputs).start() for inputs in (["bad"], ["good"])]
    for loop in loops:
        loop.join()
        assert loop.error == "it does not fit"


def test_a_lane_that_comes_after_the_engine_failed_fails_too(shared):
    engines, (engine,) = shared()
    engine.go.release(10)
    first = Loop(engines, ["bad"]).start()
    first.join()
    late = Loop(engines, ["next"]).start()
    late.join()
    assert first.error == late.error == "it does not fit" == str(engines.error)
