"""A device whose clock is wrong: it takes nothing that has expired, and says why it does not update."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace

import pytest

pytest.importorskip("tuf")
pytest.importorskip("cryptography")

from devices.host.host import Host
from devices.host.paths import Layout
from devices.keys.key_ring import Keyring
from devices.publish.repository import Lifetimes
from devices.update import __main__ as command
from devices.update import clock, trusted_root
from devices.update.state import Probation, UpdaterState
from devices.update.tuf_client import Refused
from devices.update.updater import MOST_BEGUN
from runtime.common.command import exit_code
from runtime.common.errors import KitError
from tests.support.fleet_repository import Publisher, check_whole, device, keys, publisher, running, update

DAY = 86400.0


@pytest.fixture
def at(monkeypatch):
    """Sets the clock of this machine, for the device and for TUF's client."""
    from tuf.ngclient._internal import trusted_metadata_set

    real, moved = time.time, trusted_metadata_set.datetime.datetime

    def move(moment):
        class Moved(moved):
            """The clock of TUF, which asks its own copy of the module."""

            @classmethod
            def now(cls, tz=None):
                return moved.fromtimestamp(moment, tz)

        monkeypatch.setattr(time, "time", lambda: moment)
        monkeypatch.setattr(trusted_metadata_set.datetime, "datetime", Moved)

    move.now = real()
    yield move
    monkeypatch.undo()


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_what_has_expired_stays_so_when_the_clock_is_lost(running, publisher, at, role):
    publisher.publish("two")
    stale = Publisher(publisher.folder, publisher.ring, Lifetimes(**{role: -1 / 1440}))
    if role == "targets":
        stale.change("two", percent=100.0)
    else:
        stale.refresh()
    checked = running.state.checked
    for moment in (0.0, checked - 30 * DAY):
        at(moment)
        with pytest.raises(Refused, match=rf"signatures have expired .*{role}"):
            update(running, publisher)
    assert running.state.checked == checked and check_whole(running.layout) == "one"


def test_a_group_whose_role_has_expired(publisher, tmp_path, at):
    publisher.publish("dark", group="night")
    made = device(tmp_path / "device", group="night")
    update(made, publisher)
    stale = Publisher(publisher.folder, publisher.ring, Lifetimes(targets=-1 / 1440))
    stale.publish("darker", group="night")
    # Whoever has the group's key renews its list too.
    elsewhere = shutil.copytree(publisher.ring.folder, tmp_path / "keys")
    shutil.rmtree(elsewhere / "group-night")
    Publisher(publisher.folder, Keyring(elsewhere, lambda role: b"a passphrase for tests")).publish("two")
    at(0.0)
    with pytest.raises(Refused, match=r"signatures have expired .*group-night"):
        update(made, publisher)


def test_the_time_that_was_seen_never_goes_back(running, publisher, at):
    seen = running.state.checked
    at(0.0)
    assert running.now == seen
    publisher.publish("two")
    assert update(running, publisher).release == "two", "its signatures are good at any time from then on"
    assert running.state.checked == seen
    at(seen + DAY)
    update(running, publisher)
    assert running.state.checked == seen + DAY


def test_a_new_device_without_a_clock_goes_by_when_the_publisher_signed(publisher, tmp_path, at):
    """It has seen nothing yet. A snapshot that had expired before the timestamp was signed is no good."""
    stale = Publisher(publisher.folder, publisher.ring, Lifetimes(snapshot=-1 / 1440))
    stale.publish("two")
    at(0.0)
    with pytest.raises(Refused, match=r"signatures have expired .*snapshot"):
        update(device(tmp_path / "device"), publisher)


def test_a_publisher_with_a_wrong_clock_does_not_set_that_of_the_devices(running, publisher, at):
    seen = running.state.checked
    at(at.now + 400 * DAY)
    ahead = Publisher(publisher.folder, publisher.ring, Lifetimes(timestamp=900, snapshot=900, targets=900))
    ahead.publish("two")
    at(at.now)
    with pytest.raises(Refused, match=r"root.json is expired"):
        update(running, publisher)
    publisher.refresh()
    assert update(running, publisher).release == "two" and running.state.checked < seen + DAY


def test_it_waits_until_the_clock_is_set(tmp_path, at):
    """timesyncd makes its file when it has set the clock."""
    mark = tmp_path / "run/systemd/timesync/synchronized"
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 3:
            mark.parent.mkdir(parents=True)
            mark.touch()
            at(at.now)

    at(0.0)
    clock.wait(60, at.now - DAY, pytest.fail, Host(tmp_path), sleep)
    assert len(slept) == 3


def test_a_clock_that_the_network_has_set_back_is_waited_for_no_longer(tmp_path, at):
    """It may have been ahead before. The later time counts all the same."""
    at(at.now)
    clock.wait(60, at.now + DAY, pytest.fail, recorded(tmp_path, "yes"), pytest.fail)


def recorded(tmp_path, answer):
    folder = tmp_path / "commands"
    folder.mkdir()
    (folder / "timedatectl_show_--property_NTPSynchronized").write_text(f"NTPSynchronized={answer}\n")
    return Host(tmp_path)


def test_a_board_without_any_time_says_why_it_does_not_update(tmp_path, at):
    at(12.0)
    with pytest.raises(KitError, match=r"says 1970-.* nothing has set it in 0 s: no update.*timedatectl set-ntp true"):
        clock.wait(0, at.now, pytest.fail, recorded(tmp_path, "no"))


def test_a_clock_that_nobody_sets_will_do_where_it_is_not_behind(tmp_path, at):
    said = []
    clock.wait(0, at.now - DAY, said.append, recorded(tmp_path, "no"))
    assert "nothing has set the clock of this device in 0 s" in said[0]
    clock.wait(60, at.now - DAY, pytest.fail, Host(tmp_path / "says nothing"), pytest.fail)


def test_the_command_says_that_the_clock_is_behind(running, publisher, tmp_path, at, capsys, monkeypatch):
    monkeypatch.setattr(command, "self_test", lambda options: lambda folder: ())
    root = tmp_path / "root.json"
    root.write_bytes(publisher.root)
    words = ["--repository", str(publisher.folder), "--state", str(running.layout.state), "--root", str(root)]
    at(0.0)
    assert exit_code(command.main, [*words, "--probation", "0"]) == 0
    assert "note: the clock of this device is behind" in capsys.readouterr().err
    monkeypatch.setattr(clock, "clock", type("nobody", (), {"is_synchronized": staticmethod(lambda host: False)}))
    assert exit_code(command.main, [*words, "--wait-for-clock", "0.001"]) == 1
    assert "no update" in capsys.readouterr().err


def test_a_bad_model_is_left_before_the_clock_is_waited_for(tmp_path, monkeypatch, at):
    """It may be what cut off the network, which sets the clock."""
    layout = replace(Layout(), state=tmp_path)
    for name in ("good", "bad"):
        (layout.models / name).mkdir(parents=True)
        (layout.models / name / "detector.tflite").write_bytes(b"model")
    layout.current.symlink_to("bad")
    layout.update.mkdir(parents=True)
    begun = UpdaterState(last_good="good", probation=Probation("bad", "good", at.now, begun=MOST_BEGUN + 1), checked=at.now + DAY)
    begun.write(layout.update)
    monkeypatch.setattr(trusted_root, "trusted_root", lambda *_, **__: b"{}")
    at(at.now)
    words = ["--state", str(tmp_path), "--repository", "http://127.0.0.1:1", "--wait-for-clock", "0.01", "--probation", "0"]
    with pytest.raises(KitError, match="nothing has set it in 0 s: no update"):
        command.main([*words, "--health", str(tmp_path / "health.json")])
    assert layout.current.resolve().name == "good" and UpdaterState.read(layout.update).probation is None
