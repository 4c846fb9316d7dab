"""A device that holds releases in the shadow of the one that runs."""

from __future__ import annotations

import json
import os
import time

import pytest

from devices.update import __main__ as command
from devices.update import holding, updater
from devices.update.updater import HELD, REFUSED, RETURNED, UP_TO_DATE, UPDATED, Device
from devices.update.verdicts.hold import Terms, Uptime
from devices.update.verdicts.hold_verdict import LONGEST
from devices.update.verdicts.verdict import BAD, GOOD, OPEN, TROUBLE, Verdict
from runtime.common.errors import InputError, KitError
from runtime.telemetry.comparison import Comparison
from runtime.telemetry.health import Health
from runtime.telemetry.release_status import ReleasesFile
from tests.support.fleet_repository import check_whole, device, keys, publisher, running, update

pytestmark = pytest.mark.usefixtures("no_flushing")

TERMS = Terms(3600, 100, 0.5)


class Runtime:
    """The health file of a runtime that follows the links, as of now."""

    def __init__(self, layout) -> None:
        self.layout = layout
        self.run = "1"

    def compares(self, seconds=0.0, frames=0, cat=(0, 0, 0), **changes):
        """Writes that it compares what the link names, where there is one."""
        shadow = None
        if self.layout.shadow.exists():
            model = os.path.realpath(self.layout.shadow / "detector.tflite")
            against = os.path.realpath(self.layout.model)
            shadow = Comparison(self.run, model, "", against, seconds, frames, classes={"cat": cat}, **changes)
        self.write(shadow)

    def write(self, shadow=None):
        health = Health(time.time(), 0, os.getpid(), str(self.layout.model), "", 0, 9, "cpu", "running", 0, "running", shadow=shadow)
        self.layout.health.parent.mkdir(exist_ok=True)
        self.layout.health.write_text(health.text())


@pytest.fixture
def holder(running, publisher, monkeypatch):
    """A device that runs `one` and holds `two`, with its runtime in `holder.runtime`."""
    monkeypatch.setattr(holding, "END_SECONDS", 0.0)
    made = again(running)
    publisher.publish("two")
    assert update(made, publisher).word == HELD
    return made


def again(made, **settings):
    """The device in another run of the updater."""
    made = device(made.layout.state.parent, **{"hold": TERMS, **settings})
    made.runtime = Runtime(made.layout)
    return made


def held(made):
    """The release that the link names; empty where there is none."""
    return os.path.basename(os.readlink(made.layout.shadow)) if made.layout.shadow.is_symlink() else ""


def test_a_release_is_held_then_switched_to(holder, publisher, monkeypatch):
    assert held(holder) == "two" and check_whole(holder.layout) == "one"
    assert (holder.layout.shadow / "detector.tflite").is_file()
    tests = []
    monkeypatch.setattr(Device, "_run_self_test", lambda *arguments: tests.append(arguments))
    holder.runtime.compares(1800, 60, (50, 5, 5))
    outcome = update(holder, publisher)
    assert (outcome.word, outcome.release, holder.state.last_good) == (HELD, "one", "one")
    assert outcome.reason == "two is compared with it first: 30 min of 60 min, 60 of 100 frames, 83% of 60 objects found by both"
    holder.runtime.compares(3600, 120, (100, 10, 10))
    outcome = update(holder, publisher)
    assert (outcome.word, outcome.release) == (UPDATED, "two") and check_whole(holder.layout) == "two"
    assert held(holder) == "" and holder.state.last_good == "two"
    assert holder.state.hold.word == GOOD
    assert holder.said[-2:] == [
        "two: good: compared with one for 60 min on 120 frames, 83% of 120 objects found by both", "switched to two",
    ]  # fmt: skip
    assert not tests, "it was tested before it was held"
    # The one before it is there to return to.
    assert (holder.roll_back().word, holder.release) == (RETURNED, "one")


def test_restarts_of_the_runtime_and_the_updater_add_up(holder, publisher):
    for run in "123456":
        holder = again(holder)
        holder.runtime.run = run
        holder.runtime.compares(600, 20, (20, 0, 0))
        outcome = update(holder, publisher)
    assert outcome.word == UPDATED and holder.state.hold.counted.frames == 120


def test_one_that_disagrees_is_refused_for_good(holder, publisher):
    holder.runtime.compares(3600, 120, (10, 100, 10))
    outcome = update(holder, publisher)
    assert (outcome.word, outcome.release) == (REFUSED, "one") and held(holder) == ""
    assert outcome.reason.startswith("two: in the shadow: compared with one") and "cat 8% of 120" in outcome.reason
    assert holder.state.refused == {"two": outcome.reason[len("two: ") :]}
    assert (update(holder, publisher).word, held(holder)) == (UP_TO_DATE, "")
    # A person who knows better.
    holder = again(holder, at_once=True)
    holder.forget_refused()
    assert update(holder, publisher).release == "two" and check_whole(holder.layout) == "two"


def test_what_was_refused_can_be_tried_again(holder, publisher):
    holder.runtime.compares(3600, 120, (10, 100, 10))
    update(holder, publisher)
    holder.forget_refused()
    outcome = update(holder, publisher)
    assert outcome.word == HELD and "0 of 100 frames" in outcome.reason and held(holder) == "two"


@pytest.mark.parametrize("may_pass", [False, True])
def test_one_that_the_runtime_cannot_load(holder, publisher, may_pass):
    holder.runtime.compares(error="no detector", may_pass=may_pass)
    outcome = update(holder, publisher)
    assert outcome.word == REFUSED and "the runtime cannot run it beside one: no detector" in outcome.reason
    assert list(holder.state.refused) == ([] if may_pass else ["two"])
    assert list(holder.state.postponed) == (["two"] if may_pass else [])
    assert held(holder) == "" and update(holder, publisher).word == UP_TO_DATE


def test_too_little_puts_it_off_and_a_clock_that_jumps_changes_nothing(holder, publisher, monkeypatch):
    uptime = [holding.Uptime.read()]
    monkeypatch.setattr(Uptime, "read", lambda: uptime[0])
    now = updater.clock.now
    for days in (3, 0, 6, 9):
        # Far more than the longest hold, there and back.
        monkeypatch.setattr(updater.clock, "now", lambda seen, days=days: now(0.0) + 86400 * days)
        assert update(holder, publisher).word == HELD
    uptime[0] = Uptime("another start", LONGEST * 3600.0)
    outcome = update(holder, publisher)
    assert outcome.word == REFUSED and "too little was compared in 3 h: no runtime runs here" in outcome.reason
    assert "two" in holder.state.postponed and not holder.state.refused and held(holder) == ""


def test_a_newer_release_takes_its_place(holder, publisher):
    holder.runtime.compares(3000, 90, (90, 0, 0))
    update(holder, publisher)
    publisher.publish("three")
    outcome = update(holder, publisher)
    assert outcome.word == HELD and outcome.reason.startswith("three is compared with it first: 0 s of 60 min, 0 of 100 frames")
    assert held(holder) == "three" and not (holder.layout.models / "two").exists()
    assert "two is held no longer: it is no longer the one for this device" in holder.said


def test_one_that_is_withdrawn_is_dropped_at_once(holder, publisher):
    publisher.change("two", withdrawn="counts dogs as cats")
    outcome = update(holder, publisher)
    assert (outcome.word, outcome.release, held(holder)) == (UP_TO_DATE, "one", "")
    assert "two is held no longer: it was withdrawn: counts dogs as cats" in holder.said
    assert holder.state.hold is None and not (holder.layout.models / "two").exists()


def test_even_one_that_has_just_passed(holder, publisher):
    holder.runtime.compares(3600, 120, (100, 10, 10))
    publisher.change("two", withdrawn="slow")
    assert update(holder, publisher).release == "one" and held(holder) == ""


@pytest.mark.parametrize("change", [{"withdrawn": "slow"}, {"percent": 0.0}])
def test_a_return_that_the_publisher_asks_for_is_not_held(holder, publisher, change):
    holder.runtime.compares(3600, 120, (100, 10, 10))
    assert update(holder, publisher).release == "two"
    publisher.change("two", **change)
    assert update(holder, publisher).release == "one" and held(holder) == ""
    assert any(line.startswith("one is not held: two ") for line in holder.said)


def test_a_return_by_hand_begins_the_comparison_anew(holder, publisher):
    holder.runtime.compares(3600, 120, (100, 10, 10))
    assert update(holder, publisher).release == "two"
    publisher.publish("three")
    assert update(holder, publisher).word == HELD
    holder.runtime.compares(3000, 90, (90, 0, 0))
    update(holder, publisher)
    assert holder.roll_back().release == "one", "not the one that is held"
    holder.runtime.run = "2"
    holder.runtime.compares(600, 10, (10, 0, 0))
    outcome = update(holder, publisher)
    assert outcome.word == HELD and ": 10 min of 60 min, 10 of 100 frames" in outcome.reason
    assert holder.state.hold.against == "one" and held(holder) == "three"


def test_now_ends_the_hold(holder, publisher, capsys):
    holder = again(holder, at_once=True)
    assert update(holder, publisher).word == UPDATED and check_whole(holder.layout) == "two"
    assert held(holder) == ""
    assert command.main(["--status", "--state", str(holder.layout.state)]) == 0
    assert "was held    two: taken: at once, as it was asked for; since 20" in capsys.readouterr().out


def test_an_updater_that_holds_no_longer_switches(holder, publisher):
    holder = again(holder, hold=Terms())
    assert update(holder, publisher).release == "two" and held(holder) == ""


def test_a_first_release_is_not_held(publisher, tmp_path):
    made = device(tmp_path / "device", hold=TERMS)
    assert update(made, publisher).release == "one" and not made.layout.shadow.is_symlink()


def test_one_that_is_published_again_under_its_name_is_another(holder, publisher):
    holder.runtime.compares(3000, 90, (90, 0, 0))
    update(holder, publisher)
    publisher.publish("two", model=b"another")
    outcome = update(holder, publisher)
    assert outcome.word == HELD and "0 of 100 frames" in outcome.reason and held(holder) == "two"
    assert (holder.layout.shadow / "detector.tflite").read_bytes() == b"another" * 1000


def test_a_failed_self_test_is_never_held(running, publisher):
    made = device(running.layout.state.parent, lambda folder: ("finds nothing",) if folder.name == "two" else (), hold=TERMS)
    publisher.publish("two")
    with pytest.raises(Exception, match="finds nothing"):
        update(made, publisher)
    assert held(made) == "" and made.state.hold is None


def test_a_probation_that_fails_after_the_hold(holder, publisher, monkeypatch):
    holder.runtime.compares(3600, 120, (100, 10, 10))
    monkeypatch.setattr(Device, "_watch", lambda self, probation: Verdict(BAD, "its engine was lost 3 times"))
    assert (update(holder, publisher).word, check_whole(holder.layout)) == (RETURNED, "one")
    assert update(holder, publisher).word == UP_TO_DATE and held(holder) == ""


def test_a_release_on_probation_is_what_the_next_is_held_against(holder, publisher, monkeypatch):
    holder.runtime.compares(3600, 120, (100, 10, 10))
    monkeypatch.setattr(Device, "_watch", lambda self, probation: Verdict(OPEN, "no frame"))
    update(holder, publisher)
    publisher.publish("three")
    assert update(holder, publisher).word == HELD and holder.state.hold.against == "two"
    holder.runtime.run = "2"
    holder.runtime.compares(600, 10, (10, 0, 0))
    monkeypatch.setattr(Device, "_watch", lambda self, probation: Verdict(GOOD, "well"))
    outcome = update(holder, publisher)
    assert (outcome.word, holder.state.last_good) == (HELD, "two") and "10 of 100 frames" in outcome.reason, "it was not removed"
    assert sorted(path.name for path in holder.layout.models.iterdir()) == ["current", "one", "three", "two"]


def test_what_is_compared_is_kept_without_a_network(holder, publisher, tmp_path):
    holder.runtime.compares(1800, 60, (50, 5, 5))
    with pytest.raises(Exception, match="no such file"):
        update(holder, publisher, tmp_path)
    assert holder.state.hold.counted.frames == 60
    holder.runtime.compares(error="no detector")
    with pytest.raises(Exception, match="no such file"):
        update(holder, publisher, tmp_path)
    assert "two" in holder.state.refused and held(holder) == ""


def test_the_runtime_gives_up_the_second_model_before_it_loads_it_as_the_first(holder, publisher, monkeypatch):
    monkeypatch.setattr(holding, "END_SECONDS", 60.0)
    holder.runtime.compares(3600, 120, (100, 10, 10))
    waits = []

    def sleep(seconds):
        waits.append(held(holder))
        holder.runtime.write()

    monkeypatch.setattr(holding.time, "sleep", sleep)
    assert update(holder, publisher).release == "two" and waits == [""]


def test_the_status_tells_of_it(holder, publisher, capsys):
    holder.runtime.compares(1800, 60, (50, 5, 5))
    update(holder, publisher)
    options = ["--status", "--state", str(holder.layout.state)]
    assert command.main(options) == 0
    said = "two: compared with one for 30 min on 60 frames, 83% of 60 objects found by both"
    assert f"held        {said}; since 20" in capsys.readouterr().out
    assert command.main([*options, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["held"], content["hold"]["text"], content["hold"]["against"]) == ("two", said, "one")
    holder.runtime.compares(3600, 120, (10, 100, 10))
    update(holder, publisher)
    assert command.main(options) == 0
    said = capsys.readouterr().out
    assert "refused     two: in the shadow: compared with one" in said and said.count("two: ") == 1
    assert command.main([*options, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["held"], content["hold"]["word"]) == ("", BAD)


def test_the_state_of_a_device_that_holds_nothing_is_read_by_an_older_kit(running):
    assert "hold" not in json.loads((running.layout.update / "state.json").read_text())


@pytest.mark.parametrize(("text", "seconds"), [("0", 0), ("90", 90), ("90s", 90), ("15min", 900), ("24h", 86400), ("7d", 604800)])
def test_times(text, seconds):
    assert command._parser().parse_args(["--shadow-for", text]).shadow_for == seconds


@pytest.mark.parametrize("text", ["", "h", "24hours", "-1h", "1e9d", "24 h x", "day", "24x"])
def test_what_is_no_time(text, capsys):
    with pytest.raises(SystemExit):
        command._parser().parse_args([f"--shadow-for={text}"])
    said = capsys.readouterr().err
    assert "--shadow-for" in said and ("is not a time such as 90s, 30min, 24h or 7d" in said or text == "1e9d")


class _Away:
    where = "away"

    def __getattr__(self, name):
        raise KitError("there is no network")


def passed_without_a_network(holder, publisher):
    """The device in the next run, after one in which the hold has passed and nothing could be switched to."""
    holder.runtime.compares(3600, 120, (100, 10, 10))
    made = again(holder)
    with pytest.raises(KitError):
        made.update(_Away(), publisher.root)
    assert (made.state.hold.word, made.release) == (GOOD, "one")
    return again(made)


def test_one_that_has_passed_and_never_ran_is_none_to_return_to(holder, publisher):
    made = passed_without_a_network(holder, publisher)
    with pytest.raises(InputError, match="no other release than one"):
        made.roll_back()
    publisher.change("two", percent=0.0)
    assert update(again(made), publisher).release == "one"
    publisher.change("one", withdrawn="it is bad")
    assert update(again(made), publisher).release == "one"


def test_one_that_was_taken_at_once_and_came_back_is_compared_after_all(holder, publisher, monkeypatch):
    with monkeypatch.context() as trouble:
        trouble.setattr(updater.Device, "_watch", lambda device, probation: Verdict(TROUBLE, "no memory"))
        assert update(again(holder, at_once=True), publisher).word == RETURNED
    made = again(holder)
    made.forget_refused()
    assert update(made, publisher).word == HELD


def test_one_that_a_person_has_switched_to_is_held_no_longer(holder, publisher):
    holder._store.set_current("two")
    made = again(holder)
    made.runtime.compares(10, 10, (10, 0, 0))
    assert update(made, publisher).release == "two" and held(made) == "" and made.state.hold is None


def told(made):
    """What the runtime reads of releases."""
    return {each.release: each for each in ReleasesFile().read(str(made.layout.model))}


def test_the_fleet_is_told_of_a_hold_and_its_end(holder, publisher):
    holder.runtime.compares(1800, 60, (50, 5, 5))
    update(holder, publisher)
    said = told(holder)["two"]
    assert (said.state, said.against, said.seconds, said.wanted, said.frames, said.share) == (HELD, "one", 1800, 3600, 60, 50 / 60)
    assert abs(said.since - time.time()) < 1000
    holder.runtime.write()
    update(holder, publisher)
    assert "runtime.yaml needs the line shadow" in told(holder)["two"].reason
    holder.layout.health.unlink()
    assert "no runtime runs here" in update(holder, publisher).reason
    assert not told(holder)["two"].reason, "who tells it runs"
    holder.runtime.compares(3600, 120, (10, 100, 10))
    update(holder, publisher)
    said = told(holder)["two"]
    assert (said.state, said.frames) == ("refused", 120) and "cat 8% of 120" in said.brief and said.since
    publisher.change("two", withdrawn="slow")
    update(holder, publisher)
    assert not told(holder), "who has withdrawn it knows"


def test_the_fleet_is_told_who_has_taken_a_release(holder, publisher):
    made = passed_without_a_network(holder, publisher)
    assert told(made)["two"].state == "passed"
    assert update(made, publisher).release == "two" and told(made)["two"].state == "taken"
    assert made.roll_back().release == "one" and told(made)["two"].state == "refused"
    assert told(made)["two"].reason == "returned by hand"


def test_the_fleet_is_told_of_one_that_was_put_off_and_is_held_again(holder, publisher, monkeypatch):
    holder.runtime.compares(error="no memory", may_pass=True)
    update(holder, publisher)
    assert told(holder)["two"].state == "postponed" and "no memory" in told(holder)["two"].reason
    now = updater.clock.now
    monkeypatch.setattr(updater.clock, "now", lambda seen: now(seen) + 7200)
    assert update(holder, publisher).word == HELD and told(holder)["two"].state == HELD
    (holder.layout.update / "releases.json").unlink()
    again(holder).settle()
    assert told(holder)["two"].state == HELD, "each run writes it again"


def test_what_an_earlier_hold_has_compared_does_not_count_for_the_next(holder, publisher):
    kept = holder.layout.models / "two" / "comparison.json"
    kept.write_text("{}")
    holder.runtime.compares(3000, 90, (90, 0, 0))
    update(holder, publisher)
    assert kept.exists(), "the same hold goes on"
    holder.runtime.compares(3600, 120, (10, 100, 10))
    update(holder, publisher)
    holder.forget_refused()
    assert update(holder, publisher).word == HELD and not kept.exists()


def test_the_fleet_is_told_of_a_refusal_until_there_is_a_newer_release(running, publisher, tmp_path):
    bad = {"two"}
    made = device(running.layout.state.parent, lambda folder: ("finds nothing",) if folder.name in bad else ())
    publisher.publish("two")
    with pytest.raises(KitError):
        update(made, publisher)
    assert told(made)["two"].reason == "self-test: finds nothing"
    # In runs of the updater without news, and without a network.
    made = device(running.layout.state.parent)
    made.settle()
    assert update(made, publisher).word == UP_TO_DATE
    with pytest.raises(KitError):
        made.update(_Away(), publisher.root)
    assert told(made)["two"].state == "refused"
    # Names say nothing of which is newer.
    publisher.publish("a-newer-one")
    assert update(made, publisher).release == "a-newer-one" and not told(made)
    assert made.state.refused, "it is still not tried again"


def test_one_whose_file_is_gone_is_fetched_again_and_compared_from_the_beginning(holder, publisher):
    holder.runtime.compares(1800, 60, (50, 5, 5))
    update(holder, publisher)
    (holder.layout.models / "two" / "detector_int8.tflite").unlink()
    outcome = update(holder, publisher)
    assert "two is held no longer: its model is gone" in holder.said
    assert outcome.word == HELD and "0 of 100 frames" in outcome.reason and held(holder) == "two"
    # The same of the one that runs: nothing is held back from a device without a model.
    (holder.layout.models / "one" / "detector_int8.tflite").unlink()
    assert update(holder, publisher).release == "two" and check_whole(holder.layout) == "two"
