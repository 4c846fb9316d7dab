"""What the runtime has compared decides about a held release: the arithmetic, without a device."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from devices.update.verdicts.hold import Counted, Hold, Terms, Uptime
from devices.update.verdicts.hold_text import progress, span, summary
from devices.update.verdicts.hold_verdict import LONGEST, judge, looked_at
from devices.update.verdicts.verdict import BAD, GOOD, TROUBLE
from runtime.telemetry.comparison import Comparison
from runtime.telemetry.health import Health

TERMS = Terms(3600, 100, 0.5)


@pytest.fixture
def models(tmp_path):
    for name in ("one", "two", "three"):
        (tmp_path / "models" / name).mkdir(parents=True)
    return tmp_path / "models"


@pytest.fixture
def look(models):
    """Looks at what a runtime has compared: `look(hold, frames=3)`; None for the comparison is a runtime without one."""

    def look(hold, comparison=True, uptime=Uptime("boot", 0.0), shadow="two", against="one", run="1", **counted):
        files = {"model": str(models / shadow / "d.tflite"), "against": str(models / against / "d.tflite")}
        found = Comparison(run, **files, **counted)
        health = Health(0, 0, 1, "", "", 0, 0, "cpu", "running", 0, "running", shadow=found if comparison else None)
        return looked_at(hold, health, models, uptime)

    return look


@pytest.fixture
def hold():
    return Hold.begun("two", "one", "", Uptime("boot", 0.0))


def test_runs_of_the_runtime_add_up(look, hold):
    for run, seconds, frames in (("1", 100, 10), ("1", 400, 40), ("2", 5, 1), ("2", 300, 30), ("3", 1, 1)):
        hold, verdict = look(hold, run=run, seconds=seconds, frames=frames, classes={"cat": (frames, 0, 1)})
        assert verdict is None
    assert (hold.counted.seconds, hold.counted.frames, hold.counted.classes) == (701, 71, {"cat": (71, 0, 3)})
    # What was counted stays while no runtime runs, and while it compares nothing.
    idle, _ = looked_at(hold, None, None, Uptime("boot", 9.0))
    assert idle.counted == hold.counted and idle.trouble == "no runtime runs here"
    assert "71 of 100 frames" in progress(idle, TERMS) and "no runtime runs here" in progress(idle, TERMS)
    idle, _ = look(idle, comparison=False)
    assert idle.counted == hold.counted
    assert "runtime.yaml needs the line shadow: " in idle.trouble and "/shadow/detector.tflite,follow=on" in idle.trouble


def test_only_a_comparison_of_these_two_counts(look, hold):
    for other in ({"shadow": "three"}, {"against": "three"}):
        found, _ = look(hold, seconds=9, frames=9, **other)
        assert not found.counted.frames and "three" in found.trouble
    found, _ = look(replace(hold, sha256="a file"), seconds=9, frames=9, sha256="another")
    assert not found.counted.frames and "another file than was tested" in found.trouble
    _, verdict = look(replace(hold, sha256="a file"), sha256="another", error="it is damaged")
    assert verdict.word == BAD


def test_the_device_s_own_time_is_no_clock(look, hold):
    """It is the time for which the machine was on, whatever its clock said."""
    for boot, uptime in (("boot", 60.0), ("boot", 100.0), ("next", 30.0), ("next", 20.0), ("last", 5.0)):
        hold, _ = look(hold, uptime=Uptime(boot, uptime))
    assert hold.waited == 100 + 30 + 5


def counted(hold, seconds=3600, frames=100, **classes):
    return replace(hold, latest=Counted("1", seconds, frames, classes))


def test_a_release_that_agrees_passes(hold):
    assert judge(counted(hold, 3599, cat=(90, 5, 5)), TERMS) is None
    assert judge(counted(hold, frames=99, cat=(90, 5, 5)), TERMS) is None
    verdict = judge(counted(hold, cat=(90, 5, 5), dog=(1, 9, 9)), TERMS)
    assert (verdict.word, verdict.reason) == (
        GOOD, "compared with one for 60 min on 100 frames, 76% of 119 objects found by both",
    )  # fmt: skip
    assert judge(counted(hold), TERMS).reason.endswith(", neither has found anything")


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        ({"cat": (90, 5, 5), "dog": (5, 10, 5)}, ": dog 25% of 20, under 50%; "),
        ({"cat": (90, 5, 5), "dog": (0, 21, 0)}, ": dog not once (21 by one), under 50%; "),
        ({"cat": (0, 0, 30)}, " by both: cat 0% of 30, under 50%; "),
        # Too few of each class to judge it by itself.
        ({"cat": (1, 9, 9), "dog": (1, 9, 9)}, ": all classes 5% of 38, under 50%; "),
    ],
)
def test_a_release_that_disagrees_is_refused(hold, classes, said):
    verdict = judge(counted(hold, **classes), TERMS)
    assert verdict.word == BAD and said in verdict.reason and "take it with --retry --now" in verdict.reason


def test_only_classes_that_both_know_are_judged(look, hold):
    classes = {"cat": (90, 5, 5), "dog": (0, 80, 0), "bird": (0, 0, 70)}
    hold, _ = look(hold, seconds=3600, frames=100, classes=classes, only_first=("dog",), only_second=("bird",))
    verdict = judge(hold, TERMS)
    assert verdict.word == GOOD and verdict.reason.endswith("90% of 100 objects found by both; it does not know dog")


def test_too_little_in_the_longest_time_puts_it_off(hold):
    late = replace(counted(hold, 3600, 99), waited=LONGEST * 3600.0, trouble="no runtime runs here")
    verdict = judge(late, TERMS)
    assert verdict.word == TROUBLE
    assert "too little was compared in 3 h: no runtime runs here (60 min on 99 frames of 60 min and 100 frames)" in verdict.reason
    assert judge(replace(late, waited=LONGEST * 3600.0 - 1), TERMS) is None


@pytest.mark.parametrize(("may_pass", "word"), [(False, BAD), (True, TROUBLE)])
def test_a_release_that_the_runtime_cannot_run(look, hold, may_pass, word):
    _, verdict = look(hold, error="no detector", may_pass=may_pass)
    assert (verdict.word, verdict.reason) == (word, "the runtime cannot run it beside one: no detector")


def test_it_is_kept_as_json(look, hold):
    hold, _ = look(hold, seconds=9, frames=9, classes={"cat": (1, 2, 3)}, only_first=("dog",))
    hold = hold.ended(judge(counted(hold, cat=(9, 0, 0)), TERMS), 5.0)
    assert Hold.of(json.loads(json.dumps(asdict(hold)))) == hold
    assert summary(hold).startswith("two: good: compared with one")
    with pytest.raises((KeyError, TypeError, ValueError)):
        Hold.of({**asdict(hold), "unknown": 3})


def test_spans():
    assert [span(seconds) for seconds in (0, 45.4, 150, 7200, 9000, 172800)] == ["0 s", "45.4 s", "2.5 min", "2 h", "2.5 h", "2 d"]
