"""What refuses a release for ever, and what only puts it off: the cause decides."""

from __future__ import annotations

import json
import shutil
from collections import namedtuple

import pytest

pytest.importorskip("tuf")
pytest.importorskip("cryptography")

from devices.update import __main__ as command
from devices.update import release_store, updater
from devices.update.state import FIRST_PAUSE, LONGEST_PAUSE, Postponed, UpdaterState
from devices.update.transport import FolderTransport
from devices.update.updater import ON_PROBATION, RETURNED, UP_TO_DATE, UPDATED, Device
from devices.update.verdicts.verdict import BAD, GOOD, TROUBLE, Verdict
from runtime.common.errors import InputError, KitError
from tests.support.fleet_repository import check_whole, device, keys, publisher, running, update


@pytest.fixture
def later(monkeypatch):
    """Moves the device's time on by some seconds, for the device alone."""
    now, moved = updater.clock.now, [0.0]
    monkeypatch.setattr(updater.clock, "now", lambda seen: max(now(0.0) + moved[0], seen))

    def move(seconds):
        moved[0] += seconds

    return move


def failing(tmp_path, publisher, error, bad=("two",)):
    """A device that runs `one`. Its self-test of the releases `bad` raises `error`, or gives it as differences."""
    bad = set(bad)

    def test(folder):
        if folder.name in bad and made.release:
            if isinstance(error, Exception):
                raise error
            return error
        return ()

    made = device(tmp_path / "device", test)
    assert update(made, publisher).release == "one"
    publisher.publish("two")
    return made, bad


def test_an_engine_that_does_not_start_puts_a_release_off(publisher, tmp_path, later, monkeypatch):
    made, bad = failing(tmp_path, publisher, KitError("the engine gives no answer for 60 s"))
    for pause in (FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE):
        with pytest.raises(KitError, match=r"two cannot be tested on this device, one stays; .* again from .* on"):
            update(made, publisher)
        assert check_whole(made.layout) == "one" and made.state.refused == {}
        later(pause - 60)
        assert update(made, publisher).word == UP_TO_DATE, "not at once"
        later(120)
    bad.clear()
    opened, openings = FolderTransport.open, []
    monkeypatch.setattr(FolderTransport, "open", lambda *a: (openings.append(a[1]), opened(*a))[1])
    assert update(made, publisher).release == "two" and made.state.postponed == {}
    assert not [name for name in openings if name.endswith(".tflite")], "it was downloaded before"


def test_the_pause_has_an_end():
    pauses = [Postponed(times, 0.0, "no memory").until for times in (1, 2, 3, 8, 9, 100_000)]
    assert pauses == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE, 128 * FIRST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]


def test_what_fails_with_the_model_that_runs_too_is_the_device(publisher, tmp_path):
    made, bad = failing(tmp_path, publisher, ("finds nothing",), bad=("one", "two"))
    with pytest.raises(KitError, match="finds nothing; one, which runs, fails here too; again from"):
        update(made, publisher)
    assert made.state.refused == {}
    bad.clear()
    made.forget_refused()
    assert update(made, publisher).release == "two"


def test_files_that_are_wrong_are_the_releases_own_fault(publisher, tmp_path):
    made, _ = failing(tmp_path, publisher, InputError("golden.json: is no golden"))
    with pytest.raises(KitError, match=r"two does not work on this device, one stays; self-test: golden.json"):
        update(made, publisher)
    assert "two" in made.state.refused and made.state.postponed == {}


def test_a_first_release_is_not_refused_for_an_option_that_is_wrong(publisher, tmp_path):
    made = device(tmp_path / "device", lambda folder: (_ for _ in ()).throw(InputError("--device: no such library")))
    with pytest.raises(KitError, match="--device: no such library"):
        update(made, publisher)
    assert made.state.refused == {}


def test_a_full_disk_refuses_nothing(running, publisher, monkeypatch):
    publisher.publish("two")
    usage = namedtuple("usage", "total used free")
    with monkeypatch.context() as full:
        full.setattr(release_store.shutil, "disk_usage", lambda path: usage(1, 1, 0))
        with pytest.raises(KitError, match="make room"):
            update(running, publisher)
    assert running.state.failed == {} and update(running, publisher).release == "two"


def test_no_network_refuses_nothing(running, publisher, tmp_path):
    publisher.publish("two")
    with pytest.raises(KitError, match="no such file"):
        update(running, publisher, tmp_path)
    assert running.state.failed == {} and update(running, publisher).release == "two"


@pytest.fixture
def verdicts(running, monkeypatch):
    """How the next probations end."""
    ends = []
    monkeypatch.setattr(Device, "_watch", lambda self, probation: ends.pop(0))
    return ends


def test_a_probation_with_trouble_is_returned_from_and_tried_again(running, publisher, verdicts, later):
    publisher.publish("two")
    verdicts += [Verdict(TROUBLE, "no memory"), Verdict(GOOD, "well")]
    outcome = update(running, publisher)
    assert (outcome.word, outcome.release, outcome.reason) == (RETURNED, "one", "two: no memory")
    assert running.state.refused == {} and running.state.last_good == "one"
    assert update(running, publisher).word == UP_TO_DATE and check_whole(running.layout) == "one"
    later(FIRST_PAUSE + 1)
    assert update(running, publisher).word == UPDATED and running.state.postponed == {}
    assert check_whole(running.layout) == "two"


def test_a_first_release_with_trouble_stays_on_probation(publisher, tmp_path, monkeypatch):
    ends = [Verdict(TROUBLE, "no memory"), Verdict(GOOD, "well")]
    monkeypatch.setattr(Device, "_watch", lambda self, probation: ends.pop(0))
    made = device(tmp_path / "device")
    outcome = update(made, publisher)
    assert (outcome.word, made.state.last_good) == (ON_PROBATION, "") and "no other model" in outcome.reason
    update(made, publisher)
    assert made.state.last_good == "one" and made.state.failed == {}


def test_a_fault_of_the_release_refuses_it(running, publisher, verdicts, later):
    publisher.publish("two")
    verdicts += [Verdict(TROUBLE, "no memory"), Verdict(BAD, "its engine was lost 3 times")]
    update(running, publisher)
    later(FIRST_PAUSE + 1)
    assert update(running, publisher).word == RETURNED
    assert running.state.refused == {"two": "its engine was lost 3 times"} and running.state.postponed == {}
    later(LONGEST_PAUSE)
    publisher.refresh()
    assert update(running, publisher).word == UP_TO_DATE


def test_the_status_tells_what_waits(running, publisher, verdicts, capsys):
    publisher.publish("two")
    verdicts.append(Verdict(TROUBLE, "no memory"))
    update(running, publisher)
    options = ["--status", "--state", str(running.layout.state)]
    assert command.main(options) == 0
    assert "postponed   two, until 2" in (said := capsys.readouterr().out) and said.endswith(": no memory\n")
    assert command.main([*options, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["postponed"]["two"]["reason"] == "no memory"


def test_a_clock_that_was_set_back_holds_nothing_up(running, publisher, verdicts):
    publisher.publish("two")
    verdicts.append(Verdict(TROUBLE, "no memory"))
    update(running, publisher)
    found = running.state.postponed["two"]
    assert found.waits(found.since + 1) and not found.waits(found.since - 1) and not found.waits(found.until)


def test_the_state_of_an_older_kit_is_read(running):
    path = running.layout.update / "state.json"
    content = json.loads(path.read_text())
    del content["postponed"]
    path.write_text(json.dumps(content))
    assert UpdaterState.read(running.layout.update).postponed == {}
