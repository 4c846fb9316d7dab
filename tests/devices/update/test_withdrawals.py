"""Releases that are taken back: a device leaves them, and never returns to one."""

from __future__ import annotations

import os

import pytest

from devices.releases.channel import Channel, Offer
from devices.update.updater import ON_PROBATION, RETURNED, UP_TO_DATE, UPDATED, Device
from devices.update.verdicts.verdict import BAD, OPEN, Verdict
from devices.update.withdrawals import reason_to_leave, remembered
from runtime.common.errors import InputError
from tests.support.fleet_repository import Publisher, check_whole, device, keys, publisher, running, update

INSTALLED = "installed-0123456789ab"

pytestmark = pytest.mark.usefixtures("no_flushing")


@pytest.fixture
def installed(tmp_path):
    """A device with the model that `devices.install` gave it: no release of the publisher's, and without a self-test."""
    made = device(tmp_path / "installed")
    folder = made.layout.models / INSTALLED
    folder.mkdir(parents=True)
    (folder / "mine.tflite").write_bytes(b"installed")
    (folder / "detector.tflite").symlink_to("mine.tflite")
    os.utime(folder, (1, 1))
    made.layout.current.symlink_to(INSTALLED)
    return made


def test_a_withdrawn_first_release_gives_way_to_the_installed_model(installed, publisher):
    assert update(installed, publisher).release == "one"
    publisher.change("one", withdrawn="counts dogs as cats")
    outcome = update(installed, publisher)
    assert (outcome.word, outcome.release) == (UPDATED, INSTALLED)
    assert outcome.reason.startswith("one was withdrawn: counts dogs as cats; ")
    assert installed.layout.model.read_bytes() == b"installed" and installed.state.last_good == INSTALLED
    # It stays there, until there is something better.
    assert (update(installed, publisher).word, installed.release) == (UP_TO_DATE, INSTALLED)
    with pytest.raises(InputError, match=f"no other release than {INSTALLED} to return to"):
        installed.roll_back()
    publisher.publish("two")
    assert update(installed, publisher).release == "two"
    assert (installed.roll_back().word, installed.release) == (RETURNED, INSTALLED)


def test_it_gives_way_to_an_earlier_release_that_is_offered_no_longer(running, publisher):
    publisher.publish("two")
    update(running, publisher)
    repository = publisher.open()
    repository.set_channel("", Channel((Offer("two", withdrawn="slow"),)))
    repository.publish()
    assert update(running, publisher).release == "one" and check_whole(running.layout) == "one"


def test_one_that_is_for_fewer_devices_gives_way_too(installed, publisher):
    update(installed, publisher)
    publisher.change("one", percent=0.0)
    outcome = update(installed, publisher)
    assert outcome.release == INSTALLED and outcome.reason.startswith("one is for this device no longer; ")


def test_one_that_was_withdrawn_stays_where_there_is_no_other(running, publisher):
    publisher.change("one", withdrawn="counts dogs as cats")
    outcome = update(running, publisher)
    assert (outcome.word, outcome.release) == (UP_TO_DATE, "one") and check_whole(running.layout) == "one"
    assert outcome.reason == "one was withdrawn: counts dogs as cats; it stays, since there is no other model here"


def test_a_model_that_the_channel_does_not_know_stays(installed, publisher):
    publisher.change("one", withdrawn="counts dogs as cats")
    assert (update(installed, publisher).word, installed.release) == (UP_TO_DATE, INSTALLED)


def test_one_that_is_withdrawn_while_it_is_on_probation(installed, publisher, monkeypatch):
    monkeypatch.setattr(Device, "_watch", lambda self, probation: Verdict(OPEN, "no runtime"))
    assert update(installed, publisher).word == ON_PROBATION
    publisher.change("one", withdrawn="slow")
    assert update(installed, publisher).release == INSTALLED
    # Nor does the probation of the one that it gave way to lead back.
    monkeypatch.setattr(Device, "_watch", lambda self, probation: Verdict(BAD, "no good"))
    outcome = update(installed, publisher)
    assert (outcome.release, installed.release) == (INSTALLED, INSTALLED)


def test_a_return_by_hand_never_leads_to_a_withdrawn_release(running, publisher):
    for name in ("two", "three"):
        publisher.publish(name)
        update(running, publisher)
    # "two" is the one to return to; the next two updates tell that it is withdrawn.
    assert sorted(path.name for path in running.layout.models.iterdir()) == ["current", "three", "two"]
    publisher.change("two", withdrawn="counts dogs as cats")
    assert update(running, publisher).word == UP_TO_DATE
    with pytest.raises(InputError, match="no other release than three to return to; two was withdrawn"):
        running.roll_back()
    assert check_whole(running.layout) == "three" and running.state.refused == {}


def test_a_return_by_hand_passes_over_a_withdrawn_release(installed, publisher):
    update(installed, publisher)
    publisher.publish("two")
    publisher.change("one", withdrawn="slow")
    assert update(installed, publisher).release == "two"
    # As one that pruned too little would have left it.
    assert installed.roll_back().release == INSTALLED
    publisher.publish("three", percent=0)
    assert (update(installed, publisher).word, installed.release) == (UP_TO_DATE, INSTALLED)


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_probation_passes_over_one_that_was_withdrawn_meanwhile(installed, publisher, monkeypatch, by_hand):
    update(installed, publisher)
    publisher.publish("two")
    monkeypatch.setattr(Device, "_watch", lambda self, probation: Verdict(OPEN, "no runtime"))
    assert update(installed, publisher).word == ON_PROBATION and installed.state.probation.previous == "one"
    publisher.change("one", withdrawn="slow")
    assert update(installed, publisher).release == "two"
    if by_hand:
        assert installed.roll_back().release == INSTALLED
    else:
        monkeypatch.setattr(Device, "_watch", lambda self, probation: Verdict(BAD, "no good"))
        update(installed, publisher)
    assert installed.release == INSTALLED and installed.state.last_good == INSTALLED


def test_a_model_that_fails_gives_way_to_a_withdrawn_one_only_if_there_is_no_other(running, publisher, monkeypatch):
    publisher.publish("two")
    publisher.change("one", withdrawn="slow")
    monkeypatch.setattr(Device, "_watch", lambda self, probation: Verdict(BAD, "no good"))
    assert update(running, publisher).release == "one" and check_whole(running.layout) == "one"


def test_what_was_withdrawn_is_known_without_a_network_and_for_as_long_as_it_is_here(running, publisher):
    publisher.publish("two")
    update(running, publisher)
    publisher.change("one", withdrawn="slow")
    update(running, publisher)
    again = device(running.layout.state.parent)
    assert again.state.withdrawn == {"one": "slow"}
    # The publisher takes that back, too.
    publisher.change("one", withdrawn=None)
    update(again, publisher)
    assert again.state.withdrawn == {} and again.roll_back().release == "one"


def test_which_are_remembered():
    channel = Channel((Offer("a", withdrawn="bad"), Offer("b")))
    assert remembered({"b": "old", "c": "old", "d": "old"}, channel, {"b", "c"}.__contains__) == {"a": "bad", "c": "old"}


def test_reasons_to_leave():
    channel = Channel((Offer("a", withdrawn="bad"), Offer("b"), Offer("c", percent=0)))
    reasons = [reason_to_leave(name, "me", channel, {"a": "bad", "z": "worse"}) for name in "abcyz"]
    assert reasons == ["a was withdrawn: bad", "", "c is for this device no longer", "", "z was withdrawn: worse"]
