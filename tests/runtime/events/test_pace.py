from __future__ import annotations

import sys
import time

import pytest

from runtime.events import pace
from runtime.events.pace import Pace


class Processors:
    """Processors of which a share is free, as time goes by."""

    def __init__(self):
        self.now, self.free, self.whole = 0.0, 0.0, 0.0

    def go(self, seconds, share):
        self.now += seconds
        self.free += share * seconds * 200
        self.whole += seconds * 200

    def read(self):
        return round(self.free), round(self.whole)

    def clock(self):
        return self.now


def test_half_as_many_frames_are_kept_while_no_processor_has_time():
    processors = Processors()
    made = Pace(10, processors.read, processors.clock)
    assert made() == 0.1
    processors.go(4, 0.05)
    assert made() == 0.2
    # What half the pace frees is not enough to go back.
    processors.go(4, 0.2)
    assert made() == 0.2
    processors.go(4, 0.4)
    assert made() == 0.1
    processors.go(4, 0.2)
    assert made() == 0.1


def test_a_busy_moment_changes_nothing():
    processors = Processors()
    made = Pace(5, processors.read, processors.clock)
    processors.go(2.5, 1)
    processors.go(0.6, 0)
    assert made() == 0.2


@pytest.mark.parametrize("answers", [[None] * 9, [(5, 9), None, (5, 9), (5, 9)]])
def test_where_nobody_knows_the_pace_is_the_one_that_was_asked_for(answers):
    now = iter(range(0, 100, 5))
    made = Pace(4, iter(answers).__next__, lambda: next(now))
    assert [made() for _ in range(3)] == [0.25] * 3


def test_the_time_of_this_machine():
    if sys.platform != "linux":
        pytest.skip("reads /proc/stat, as Linux has it")
    free, whole = pace.processor_time()
    end = time.monotonic() + 10
    while pace.processor_time()[1] == whole and time.monotonic() < end:
        time.sleep(0.01)
    later, more = pace.processor_time()
    assert whole < more and free <= later <= more


def test_a_system_without_that_file(monkeypatch, tmp_path):
    monkeypatch.setattr(pace, "_STAT", tmp_path / "none")
    assert pace.processor_time() is None
    monkeypatch.setattr(pace, "_STAT", tmp_path / "other")
    (tmp_path / "other").write_text("cpu 1 2")
    assert pace.processor_time() is None
