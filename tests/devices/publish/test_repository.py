"""Signing a repository: what each publish renews, and that it is done as a whole or not at all."""

from __future__ import annotations

import shutil
from datetime import timedelta, timezone

import pytest

from devices.keys.key_ring import Keyring
from devices.publish.repository import Lifetimes
from devices.update.tuf_client import Refused
from devices.update.updater import UP_TO_DATE, UPDATED
from runtime.common.errors import InputError, KitError
from tests.support.fleet_repository import Publisher, device, keys, publisher, ring_in, running, update
from tests.support.moved_clock import clock

GROUPS = ("", "night", "roof")

pytestmark = pytest.mark.usefixtures("no_flushing")


@pytest.fixture
def fleet(tmp_path, clock):
    """A publisher with a release for each group, and a device in each that runs it."""
    publisher = Publisher(tmp_path / "repository", ring_in(tmp_path / "keys"))
    devices = {}
    for group in GROUPS:
        publisher.publish(f"first{group}", group=group)
        devices[group] = device(tmp_path / f"device-{group}", group=group)
        assert update(devices[group], publisher).word == UPDATED
    return publisher, devices


@pytest.mark.parametrize("published", GROUPS[:2])
def test_two_years_of_monthly_releases_for_one_group_keep_all_devices_fed(fleet, clock, published):
    publisher, devices = fleet
    rotated = ["timestamp", "snapshot", "targets", "root", "timestamp"]
    for month in range(24):
        clock.advance(30)
        if month % 5 == 3:
            assert publisher.ring.finish(publisher.ring.rotate(rotated.pop(0), 365))
        if month == 12:
            publisher.ring.make("group-night")
        if month in (9, 20):
            assert publisher.ring.finish(publisher.ring.renew(365))
        publisher.publish(f"month{month}", group=published)
        clock.advance(1)
        for group, made in devices.items():
            expected = f"month{month}" if group == published else f"first{group}"
            assert update(made, publisher).release == expected, (month, group)
    assert not rotated


@pytest.mark.parametrize("days", [300, 800])
def test_a_refresh_after_a_long_idle_time_renews_every_list(fleet, clock, days):
    publisher, devices = fleet
    clock.advance(days)
    for made in devices.values():
        with pytest.raises(Refused, match="its signatures have expired"):
            update(made, publisher)
    if days > 365:
        assert publisher.ring.finish(publisher.ring.renew(365))
    publisher.refresh()
    ends = publisher.open().expiries()
    assert set(ends) == {"root", "targets", "snapshot", "timestamp", "group-night", "group-roof"}
    for role in ("targets", "group-night", "group-roof"):
        assert ends[role] > clock.now(timezone.utc) + timedelta(days=364), role
    for group, made in devices.items():
        assert update(made, publisher).word == UP_TO_DATE
        publisher.publish(f"second{group}", group=group)
        assert update(made, publisher).release == f"second{group}"


def test_a_device_that_was_off_for_two_years_follows_all_keys(fleet, clock):
    publisher, devices = fleet
    for role in ("timestamp", "root", "snapshot", "targets"):
        clock.advance(180)
        assert publisher.ring.finish(publisher.ring.rotate(role, 365))
        publisher.refresh()
    publisher.publish("late", group="night")
    assert update(devices["night"], publisher).release == "late"
    assert update(devices["roof"], publisher).word == UP_TO_DATE


def test_a_group_whose_key_was_replaced_and_removed_gets_the_new_one_by_a_refresh(fleet):
    publisher, devices = fleet
    (old,) = (publisher.ring.folder / "group-night").iterdir()
    publisher.ring.make("group-night")
    old.unlink()
    publisher.refresh()
    assert "group-night" in publisher.open().roles
    publisher.publish("second", group="night")
    assert update(devices["night"], publisher).release == "second"


def test_lists_whose_keys_are_elsewhere_or_locked_stay_as_they_are(fleet):
    publisher, devices = fleet
    (elsewhere,) = (publisher.ring.folder / "group-roof").iterdir()
    elsewhere.unlink()
    other = Keyring(publisher.ring.folder, lambda role: b"another passphrase")
    (locked,) = (publisher.ring.folder / "group-night").iterdir()
    locked.unlink()
    other.make("group-night")
    before = {name: role.signed.version for name, role in publisher.open().roles.items()}
    repository = publisher.open()
    repository.publish()
    after = {name: role.signed.version for name, role in publisher.open().roles.items()}
    assert after == {**before, "targets": before["targets"] + 1} and repository.renewed == {"targets"}
    assert [update(made, publisher).word for made in devices.values()] == [UP_TO_DATE] * 3


def test_keys_that_were_changed_apart_are_not_used(publisher, tmp_path):
    shutil.copytree(publisher.ring.folder, tmp_path / "keys")
    own = Publisher(publisher.folder, Keyring(tmp_path / "keys", lambda role: b"a passphrase for tests"))
    other = Publisher(publisher.folder, ring_in(tmp_path / "others"))
    with pytest.raises(InputError, match=r"not the keys of .*another 1.root.json"):
        other.open()
    shutil.copytree(tmp_path / "keys", tmp_path / "copy")
    copy = Publisher(publisher.folder, Keyring(tmp_path / "copy", lambda role: b"a passphrase for tests"))
    assert own.ring.finish(own.ring.renew(365)) and copy.ring.finish(copy.ring.renew(366))
    own.refresh()
    with pytest.raises(InputError, match=r"not the keys of .*another 2.root.json; give them with --keys"):
        copy.open()


def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_not_read_back_well_leaves_no_trace(publisher, running, tmp_path):
    before = files_of(publisher.folder)
    made = Publisher(tmp_path / "new", publisher.ring)
    for folder in (publisher.folder, made.folder):
        repository = Publisher(folder, publisher.ring).open()
        repository.add("night", {"groups/night/releases/two/detector_int8.tflite": b"two" * 1000})
        seen = []

        def read_back(last, folder=folder, seen=seen):
            # All but what is written last is there, and what devices read is as it was.
            seen.append(list(last))
            assert list(folder.rglob("*.detector_int8.tflite")) and list(folder.rglob("*.group-night.json"))
            raise KitError("no good")

        with pytest.raises(KitError, match="no good"):
            repository.publish(read_back)
    assert seen == [["metadata/1.root.json", "metadata/timestamp.json"]]
    assert files_of(publisher.folder) == before
    assert [path.name for path in made.folder.iterdir()] == [".lock"]
    assert update(running, publisher).word == UP_TO_DATE


def test_new_roots_are_written_only_once_all_that_they_sign_was_read(publisher, tmp_path):
    shutil.copytree(publisher.ring.folder, tmp_path / "keys")
    own = Publisher(publisher.folder, Keyring(tmp_path / "keys", lambda role: b"a passphrase for tests"))
    assert own.ring.finish(own.ring.rotate("timestamp", 365))
    seen = []

    def read_back(last):
        seen.extend(last)
        assert not (publisher.folder / "metadata" / "2.root.json").exists()

    own.open().publish(read_back)
    assert seen == ["metadata/2.root.json", "metadata/timestamp.json"]
    assert all((publisher.folder / name).is_file() for name in seen)


def test_lifetimes_are_those_asked_for(publisher, clock):
    made = Publisher(publisher.folder, publisher.ring, Lifetimes(10, 5, 2))
    made.refresh()
    ends = made.open().expiries()
    left = {role: round((end - clock.now(timezone.utc)) / timedelta(days=1)) for role, end in ends.items()}
    assert left == {"root": 365, "targets": 10, "snapshot": 5, "timestamp": 2}
