"""What the device's own code says of a repository that is about to be published."""

from __future__ import annotations

import numpy as np
import pytest

from devices.publish import read_back
from devices.publish.read_back import Reading, Unfinished
from devices.publish.repository import Lifetimes
from devices.releases.channel import Channel, Offer, channel_target
from devices.selftest import selftest
from devices.update.transport import FolderTransport
from runtime.common.errors import KitError
from runtime.media import images
from tests.support import tiny_detector
from tests.support.fleet_repository import Publisher, keys, publisher

NOTHING = "nothing is published, since devices would refuse it: "

pytestmark = pytest.mark.usefixtures("no_flushing")


def read(publisher, groups=("",), releases=(), test=read_back.skip_test):
    read_back.check(FolderTransport(publisher.folder), Reading(publisher.root, groups, releases), test)


def test_what_devices_take_passes(publisher):
    publisher.publish("two", group="night")
    read(publisher, ("", "night"), ("one",))
    read(publisher, ("night",), ("two",))
    # A group without a channel of its own uses that of all devices.
    read(publisher, ("roof",))


@pytest.mark.parametrize("name", ["IMG (1).png", "Straße.png", "-x.png", "a" * 65 + ".png", "a b", "release.json"])
def test_names_that_devices_refuse(publisher, name):
    publisher.publish("two", files={name: b"content"})
    with pytest.raises(KitError, match=NOTHING + ".*is no release"):
        read(publisher, releases=("two",))


def test_a_name_that_means_something_else_on_devices(publisher):
    publisher.publish("current")
    with pytest.raises(KitError, match=NOTHING + ".*'current' is what devices call the one that runs"):
        read(publisher, releases=("current",))


def test_a_release_whose_files_are_not_those_that_were_signed(publisher):
    publisher.publish("two")
    (path,) = (publisher.folder / "targets/releases/two").glob("*.labels.txt")
    whole = path.read_bytes()
    path.write_bytes(b"dog\n")
    with pytest.raises(KitError, match=NOTHING + ".*labels.txt is not what was signed"):
        read(publisher, releases=("two",))
    path.write_bytes(whole)
    read(publisher, releases=("two",))
    with pytest.raises(KitError, match=NOTHING + ".*nobody has signed for it"):
        read(publisher, releases=("three",))


def test_a_channel_that_devices_cannot_read(publisher):
    """Too long a reason for a withdrawal would hold all devices where they are."""
    publisher.change("one", withdrawn="x" * 70_000)
    with pytest.raises(KitError, match=NOTHING + ".*channel.json has .* bytes; at most 65536"):
        read(publisher)
    repository = publisher.open()
    repository.add("", {channel_target(""): Channel((Offer("one"), Offer("../evil"))).text().encode()})
    repository.publish()
    with pytest.raises(KitError, match=NOTHING + ".*is no channel"):
        read(publisher)
    read(publisher, groups=())


def test_signatures_that_have_expired_or_are_of_other_keys(publisher, tmp_path):
    for role in ("targets", "snapshot", "timestamp"):
        Publisher(publisher.folder, publisher.ring, Lifetimes(**{role: -1})).refresh()
        with pytest.raises(KitError, match=NOTHING + f".*signatures have expired .*{role}"):
            read(publisher)


def test_every_kind_of_model_is_tested_on_its_golden(publisher):
    seen = []

    def test(model, golden):
        seen.append((model.name, model.parent == golden, (golden / "golden.json").read_bytes()))
        return ("finds nothing",) if "edgetpu" in model.name else ()

    with pytest.raises(KitError, match=NOTHING + "detector_int8_edgetpu.tflite: self-test: finds nothing"):
        read(publisher, releases=("one",), test=test)
    assert seen == [("detector_int8.tflite", True, b"{}"), ("detector_int8_edgetpu.tflite", True, b"{}")]


def test_files_that_are_not_written_yet_replace_those_in_the_folder(publisher):
    written = (publisher.folder / "metadata" / "timestamp.json").read_bytes()
    transport = Unfinished(publisher.folder, {"metadata/timestamp.json": b"new", "metadata/2.root.json": b"root"})
    assert b"".join(transport.open("metadata/timestamp.json")[1]) == b"new"
    assert transport.open("metadata/2.root.json", 2)[0] == 2
    assert b"".join(transport.open("metadata/2.root.json", 2)[1]) == b"ot"
    plain = Unfinished(publisher.folder, {})
    assert b"".join(plain.open("metadata/timestamp.json")[1]) == written


def test_the_self_test_is_that_of_devices(tmp_path):
    images.write(tmp_path / "a.png", np.full((60, 80, 3), 90, np.uint8))
    model = tmp_path / "detector_int8.tflite"
    model.write_bytes(tiny_detector.build())
    selftest.make(model, [tmp_path / "a.png"], tmp_path)
    assert read_back.self_test(model, tmp_path) == ()
    (tmp_path / "labels.txt").write_text("cat\ndog\nbird\n")
    assert "calls class 1 " in read_back.self_test(model, tmp_path)[0]
