from __future__ import annotations

import pytest

from runtime.sources._stream_clock import LONGEST_DELAY_SECONDS, WINDOW_SECONDS, StreamClock


def times(stamps, delays, start=1000.0):
    """The times that a clock gives to frames that come so many seconds after their stamps."""
    clock = StreamClock()
    return [clock.time(stamp, start + stamp + delay) - start for stamp, delay in zip(stamps, delays)]


def test_delays_of_the_network_are_taken_out():
    stamps = [index / 25 for index in range(100)]
    delays = [0.02 + 0.2 * (index % 7 == 3) for index in range(100)]
    assert times(stamps, delays) == pytest.approx([stamp + 0.02 for stamp in stamps])
    # What came while the network stood still has its own time, too.
    delays = [0.02 + max(0.0, 3 - (stamp - 1)) * (stamp >= 1) for stamp in stamps]
    assert times(stamps, delays) == pytest.approx([stamp + 0.02 for stamp in stamps])


def test_times_increase_and_are_never_later_than_the_arrival():
    stamps = [index / 25 for index in range(8)]
    delays = [0.1, 0.07, 0.04, 0.01, 0.3, 0.27, 0.24, 0.21]
    found = times(stamps, delays)
    assert all(after > before for before, after in zip(found, found[1:]))
    assert all(time <= stamp + delay + 1e-9 for time, stamp, delay in zip(found, stamps, delays))


def test_a_rate_that_is_a_little_wrong_is_followed():
    stamps = [index / 10 for index in range(5000)]
    delays = [0.01 * stamp for stamp in stamps]
    found = times(stamps, delays)
    assert all(0 <= stamp + delay - time <= 0.011 * WINDOW_SECONDS for time, stamp, delay in zip(found, stamps, delays))


def test_stamps_that_begin_anew():
    clock = StreamClock()
    assert clock.time(1e6, 50.0) == 50.0
    assert clock.time(1e6 + 1, 51.0) == 51.0
    assert clock.time(0.0, 52.0) == 52.0
    assert clock.time(1.0, 53.0 + LONGEST_DELAY_SECONDS / 2) == 53.0


def test_without_stamps_the_arrival_counts():
    clock = StreamClock()
    assert [clock.time(None, at) for at in (5.0, 6.5, 6.5)] == pytest.approx([5.0, 6.5, 6.501])


@pytest.mark.parametrize("step", [-0.6, -5.0, -8.0, 5.0, 3600.0])
@pytest.mark.parametrize("frames", [1, 500])
def test_a_clock_that_is_set_changes_no_times(step, frames):
    """The camera sets its clock after four seconds, or sends some frames with wrong stamps."""
    clock = StreamClock()
    arrivals = [100 + index / 25 for index in range(600)]
    wrong = range(100, 100 + frames)
    found = [clock.time(at - 3 + step * (index in wrong), at) for index, at in enumerate(arrivals)]
    assert found == pytest.approx(arrivals)


def test_frames_that_are_a_little_out_of_order_keep_the_clock():
    clock = StreamClock()
    delays = [0.02, 0.3, 0.3, 0.3]
    found = [clock.time(stamp, 10 + stamp + delay) for stamp, delay in zip((0.0, 0.2, 0.12, 0.28), delays)]
    assert found == pytest.approx([10.02, 10.22, 10.221, 10.3])
