"""What is in a bundle, and that only one is written that devices take."""

from __future__ import annotations

import tarfile

import pytest

from devices.publish import bundle
from devices.publish.repository import Lifetimes
from devices.releases.bundle import Bundle
from devices.releases.channel import percentile
from devices.update.transport import BundleTransport
from runtime.common.errors import InputError, KitError
from tests.support.fleet_repository import Publisher, check_whole, device, keys, publisher, running

pytestmark = pytest.mark.usefixtures("no_flushing")


def update(made, path, publisher):
    return made.update(BundleTransport(Bundle(path)), publisher.root)


@pytest.mark.parametrize("group", ["", "g" * 64])
def test_names_of_any_length_that_devices_take(publisher, tmp_path, group):
    release = "r" * 64
    publisher.publish(release, group=group, files={"n" * 60 + ".png": b"image"})
    path = tmp_path / "stick.tar"
    assert bundle.write(publisher.open(), group, path) == (release,)
    made = device(tmp_path / "device", group=group)
    assert update(made, path, publisher).release == release and check_whole(made.layout) == release
    with tarfile.open(path) as archive:
        assert len({member.name for member in archive}) == len(archive.getmembers())


def test_every_device_finds_the_release_that_is_meant_for_it(publisher, tmp_path):
    for name, percent in (("two", 50), ("three", 10)):
        publisher.publish(name, percent=percent)
    path = tmp_path / "stick.tar"
    assert bundle.write(publisher.open(), "", path) == ("one", "two", "three")
    names = [f"camera-{number}" for number in range(100)]
    for number, (early, half, expected) in enumerate(((True, True, "three"), (False, True, "two"), (False, False, "one"))):
        name = next(n for n in names if (percentile(n, "three") < 10) == early and (percentile(n, "two") < 50) == half)
        assert update(device(tmp_path / f"device-{number}", device=name), path, publisher).release == expected


def test_a_withdrawal_reaches_devices_without_a_network(running, publisher, tmp_path):
    (running.layout.models / "installed").mkdir()
    (running.layout.models / "installed" / "detector.tflite").write_bytes(b"installed")
    publisher.change("one", withdrawn="misses bicycles")
    assert bundle.write(publisher.open(), "", tmp_path / "stick.tar") == ()
    assert update(running, tmp_path / "stick.tar", publisher).release == "installed"


def test_nothing_was_ever_offered(publisher, tmp_path):
    with pytest.raises(InputError, match="offers group night no release yet"):
        bundle.write(publisher.open(), "night", tmp_path / "stick.tar")


@pytest.mark.parametrize("role", ["targets", "snapshot", "timestamp"])
def test_a_bundle_that_devices_would_refuse_is_not_written(publisher, tmp_path, role):
    Publisher(publisher.folder, publisher.ring, Lifetimes(**{role: -1})).refresh()
    (tmp_path / "stick.tar").write_bytes(b"the bundle before")
    with pytest.raises(KitError, match=f"signatures have expired .*{role}"):
        bundle.write(publisher.open(), "", tmp_path / "stick.tar")
    assert (tmp_path / "stick.tar").read_bytes() == b"the bundle before"
    assert not list(tmp_path.glob(".stick*"))


def test_a_release_with_a_name_that_devices_refuse_gets_no_bundle(publisher, tmp_path):
    publisher.publish("two", files={"Straße.png": b"image"})
    with pytest.raises(KitError, match=r"file 'Straße.png': give a name"):
        bundle.write(publisher.open(), "", tmp_path / "stick.tar")
    assert not (tmp_path / "stick.tar").exists()
