from __future__ import annotations

import json

import pytest

from runtime import Box, Detection, Labels
from runtime.telemetry import state
from runtime.telemetry.state import State

CAT = Detection("cat", 0, 0.9, Box(0, 0, 1, 1))
DOG = Detection("dog", 1, 0.9, Box(0, 0, 1, 1))


class Clock:
    """Replaces both clocks of the module; `wrong` is by how much the real-time clock was set since."""

    now = 1_000_000.0
    wrong = 0.0

    def time(self):
        return self.now + self.wrong

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(state, "time", clock)
    return clock


def test_a_new_state_is_json_and_empty():
    shown = State("a.tflite", Labels(("cat", "dog")), 0.4).snapshot()
    assert json.loads(json.dumps(shown)) == shown
    assert (shown["model"], shown["labels"], shown["score"]) == ("a.tflite", ["cat", "dog"], 0.4)
    assert shown["frames"] == shown["detections"] == shown["fps"] == 0
    assert shown["latency"] == {} and shown["counts"]["classes"] == {}
    assert shown["dropped"] == {"source": 0, "engine": 0, "sinks": {}}


def test_counts_of_the_loop():
    counted = State()
    counted.frame_done([CAT, DOG, CAT], {"invoke": 20.0, "total": 30.0})
    counted.frame_done([], {"invoke": 22.0})
    counted.count("gaps")
    counted.count("still", 3)
    counted.dropped_by_source(2)
    counted.dropped_by_sink("mqtt", 0)
    counted.dropped_by_sink("serve")
    counted.dropped_by_sink("serve")
    counted.engine(name="cpu", state="running")
    counted.source(name="door", retries=4)
    counted.engine_restarted("edgetpu")
    shown = counted.snapshot()
    assert [shown[name] for name in ("frames", "detections", "gaps", "still", "skipped")] == [2, 3, 1, 3, 0]
    counted.dropped_by_engine()
    shown = counted.snapshot()
    assert shown["dropped"] == {"source": 2, "engine": 1, "sinks": {"mqtt": 0, "serve": 2}}
    assert shown["engine"] == {"name": "edgetpu", "package": "", "state": "running", "restarts": 1}
    assert shown["source"] == {"name": "door", "state": "starting", "retries": 4}
    assert list(shown["latency"]) == ["invoke", "total"]
    assert shown["latency"]["total"] == {"p50": 30.0, "p95": 30.0}


def test_the_rate_is_that_of_the_last_seconds(clock):
    counted = State()
    for _ in range(100):
        clock.now += 0.1
        counted.frame_done([], {})
    assert counted.snapshot()["fps"] == pytest.approx(10, rel=0.01)
    clock.now += state.RATE_SECONDS + 1
    assert counted.snapshot()["fps"] == 0


def test_percentiles_forget_old_frames():
    counted = State()
    for number in range(1000):
        counted.frame_done([], {"invoke": 1000.0 if number < 600 else float(number % 100)})
    assert counted.snapshot()["latency"]["invoke"] == {"p50": 50.0, "p95": 95.0}


def test_counts_by_class_over_time(clock):
    counted = State()
    counted.frame_done([CAT, CAT], {})
    clock.now += state.SPAN_SECONDS
    counted.frame_done([DOG], {})
    clock.now += 2 * state.SPAN_SECONDS
    shown = counted.snapshot()["counts"]
    assert shown == {"seconds": 5, "since": 1_000_000, "classes": {"cat": [2, 0, 0, 0], "dog": [0, 1, 0, 0]}}
    clock.now += (state.SPANS - 3) * state.SPAN_SECONDS
    shown = counted.snapshot()["counts"]
    assert shown["classes"] == {"dog": [1] + [0] * (state.SPANS - 1)}
    assert shown["since"] == 1_000_000 + state.SPAN_SECONDS


@pytest.mark.parametrize("hours", [14, -14, 490_000])
def test_counts_by_class_do_not_depend_on_a_clock_that_is_set(clock, hours):
    counted = State()
    counted.frame_done([CAT, CAT], {})
    clock.wrong = 3600.0 * hours
    clock.now += state.SPAN_SECONDS
    counted.frame_done([DOG], {})
    shown = counted.snapshot()["counts"]
    assert shown["classes"] == {"cat": [2, 0], "dog": [0, 1]}
    assert shown["since"] == 1_000_000 + 3600 * hours
    clock.wrong = 0.0
    counted.frame_done([CAT], {})
    assert counted.snapshot()["counts"]["classes"] == {"cat": [2, 1], "dog": [0, 1]}


def test_the_start_is_told_by_the_present_clock(clock):
    counted = State()
    clock.now += 10
    clock.wrong = 0.5
    # Not a step: the start must stay the same, or it would look like another run.
    assert counted.snapshot()["started"] == 1_000_000
    clock.wrong = 1e9
    shown = counted.snapshot()
    assert shown["time"] - shown["started"] == pytest.approx(10)


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan"), 10**400, "much"])
def test_a_threshold_out_of_range_is_refused(value):
    counted = State(score=0.3)
    with pytest.raises(ValueError, match=r"a score is|could not convert"):
        counted.score = value
    assert counted.snapshot()["score"] == 0.3


def test_stop_wakes_waiting_threads():
    counted = State()
    assert not counted.stopping and not counted.wait_for_stop(0)
    counted.stop()
    assert counted.stopping and counted.wait_for_stop(100)


def test_a_reload_that_is_asked_for_as_a_wait_ends_is_not_lost(monkeypatch):
    state = State()
    wait = state._reload_asked.wait

    def wait_until_the_signal(seconds):
        asked = wait(0)
        state.ask_reload()
        return asked

    monkeypatch.setattr(state._reload_asked, "wait", wait_until_the_signal)
    assert not state.wait_for_reload(0)
    monkeypatch.undo()
    assert state.wait_for_reload(0)
    assert not state.wait_for_reload(0)
