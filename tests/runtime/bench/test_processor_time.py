"""Processor time by part of the loop."""

from __future__ import annotations

import os
import sys
import time

import pytest

from runtime.bench.processor_time import Mark, Span, core_time, of_process, own_and_of


def span(loop, reading, frames=10):
    """A span whose frames take `loop` and `reading` milliseconds of a core each."""
    whole = None if loop is None else 5 + loop * frames / 1000
    return Span(Mark(1.0, 5.0, 2.0), Mark(1.0 + frames / 100, whole, 2 + reading * frames / 1000), frames)


def test_everything_else_is_what_model_and_decoding_leave():
    spans = [span(10, 1), span(30, 3), span(12, 2)]
    assert spans[0].milliseconds == pytest.approx(10)
    found = core_time([7.0, 9.0, 8.0], [0.5, 0.25, 1.0], spans)
    assert (found.model, found.decoding, found.other) == pytest.approx((8, 2, 2))


def test_threads_of_a_decoder_count_as_decoding():
    found = core_time([8.0], [3.0], [span(12, 1)])
    assert (found.model, found.decoding, found.other) == pytest.approx((8, 3, 1))
    assert core_time([8.0], [], [span(12, 1)]).decoding == pytest.approx(1)


def test_a_system_that_does_not_tell():
    assert core_time([None], [1.0], [span(12, 1)]) is None
    assert core_time([8.0], [1.0], [span(None, 1)]) is None
    assert core_time([8.0], [1.0], []) is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the time of a process by its id")
def test_the_time_of_a_process_is_that_of_all_its_threads():
    before, other = time.process_time(), of_process(os.getpid())
    assert before <= other <= time.process_time()
    assert own_and_of(os.getpid()) >= 2 * before


def test_a_process_that_is_gone(monkeypatch):
    def gone(clock):
        raise OSError("Invalid argument")

    monkeypatch.setattr(time, "clock_gettime", gone, raising=False)
    assert of_process(1) is None and own_and_of(1) is None

