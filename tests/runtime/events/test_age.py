from __future__ import annotations

from runtime.events.age import AgeClock

YEAR = 366 * 86400.0
DAY = 86400.0
START = 1.7e9


class Clocks:
    def __init__(self, wall=START):
        self.wall, self.steady = wall, 50.0

    def pass_by(self, seconds):
        self.wall += seconds
        self.steady += seconds

    def age(self, last=None, **more):
        return AgeClock(last, lambda: self.wall, lambda: self.steady, **more)


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
    age = clocks.age(last=START)
    clocks.wall += YEAR
    assert age.now() == START
    for _ in range(60):
        clocks.pass_by(60.0)
        age.now()
    assert age.now() == START + 2 * 3600
    clocks.wall -= YEAR
    clocks.pass_by(DAY)
    assert age.now() == START + 2 * 3600 + DAY
    clocks.wall -= YEAR
    clocks.pass_by(DAY)
    assert age.now() == START + 2 * 3600 + 2 * DAY


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


def test_a_first_run_that_begins_in_1970_makes_nothing_older():
    clocks = Clocks(wall=1000.0)
    age = clocks.age(most=7 * DAY)
    clocks.pass_by(10)
    age.now()
    clocks.wall = 1.8e9
    for _ in range(7):
        clocks.pass_by(DAY)
        age.now()
    assert age.now() == 1010 + 7 * DAY
    # Nor does it afterwards, and what the device was off for counts.
    clocks.pass_by(DAY)
    again = clocks.age(age.now(), lead=age.lead, most=7 * DAY)
    clocks.pass_by(3 * DAY)
    assert again.now() == 1010 + 11 * DAY and again.lead == age.lead


def test_a_first_run_that_ended_before_the_clock_was_set_costs_at_most_the_days_that_events_are_kept():
    clocks = Clocks(wall=1000.0)
    age, start = clocks.age(1000.0, most=7 * DAY), 1000.0
    clocks.wall = 1.8e9
    for _ in range(28):
        clocks.pass_by(DAY)
        age.now()
    assert age.now() - start == 35 * DAY
    again = clocks.age(age.now(), lead=age.lead, most=7 * DAY)
    clocks.pass_by(DAY)
    assert again.now() - start == 36 * DAY


def test_a_board_that_starts_in_1970_again_makes_nothing_older():
    clocks = Clocks(wall=1000.0)
    age = clocks.age(most=30 * DAY)
    clocks.pass_by(60)
    age.now()
    clocks.wall = START
    clocks.pass_by(2 * DAY)
    made = age.now()
    # Power comes back after a minute; the clock is set after another one.
    was, clocks.wall = clocks.wall, 10.0
    again = clocks.age(made, lead=age.lead, most=30 * DAY)
    clocks.pass_by(60)
    assert again.now() == made + 60 and again.lead == age.lead
    clocks.wall = was + 120
    for _ in range(29):
        clocks.pass_by(DAY)
        assert again.now() - made < 30 * DAY
    clocks.pass_by(DAY)
    assert again.now() - made >= 30 * DAY


def test_a_lead_that_is_taken_back_is_forgotten():
    clocks = Clocks()
    age = clocks.age()
    for _ in range(3):
        clocks.wall += YEAR
        age.now()
        assert age.lead == YEAR
        clocks.wall -= YEAR
        assert age.now() == START and age.lead == 0
