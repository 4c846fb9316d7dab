from __future__ import annotations

from runtime.events.age import AgeClock

YEAR = 366 * 86400.0
DAY = 86400.0


class Clocks:
    def __init__(self, wall=1e9):
        self.wall, self.steady = wall, 50.0

    def pass_by(self, seconds):
        self.wall += seconds
        self.steady += seconds

    def age(self, last=None):
        return AgeClock(last, lambda: self.wall, lambda: self.steady)


def test_it_runs_with_time():
    clocks = Clocks()
    age = clocks.age()
    for _ in range(10):
        clocks.pass_by(3600.0)
        before = age.now()
        assert before == clocks.wall
    assert age.now() == before


def test_a_clock_that_jumps_ahead_by_a_year_and_back_costs_only_the_time_between():
    clocks = Clocks()
    age = clocks.age()
    clocks.wall += YEAR
    assert age.now() == 1e9
    for _ in range(60):
        clocks.pass_by(60.0)
        age.now()
    assert age.now() == 1e9 + 2 * 3600
    clocks.wall -= YEAR
    clocks.pass_by(DAY)
    assert age.now() == 1e9 + 2 * 3600 + DAY
    clocks.wall -= YEAR
    clocks.pass_by(DAY)
    assert age.now() == 1e9 + 2 * 3600 + 2 * DAY


def test_a_day_in_which_nothing_ran_is_made_up_for_within_a_day():
    clocks = Clocks()
    last = clocks.age().now()
    clocks.pass_by(DAY)
    age = clocks.age(last)
    assert age.now() == last
    clocks.pass_by(DAY / 2)
    assert age.now() == last + DAY
    clocks.pass_by(DAY)
    assert age.now() == clocks.wall
