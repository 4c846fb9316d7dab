"""What a device must refuse, whoever serves the repository or carries the stick: its model goes on in each case."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import tarfile
from collections import namedtuple

import pytest
from tuf.api.exceptions import DownloadError

import devices.update.download
from devices.host import fsync_files
from devices.keys.key_ring import Keyring
from devices.publish import bundle
from devices.publish.repository import Lifetimes
from devices.releases.bundle import MOST_MEMBERS, Bundle
from devices.releases.channel import Channel, Offer, channel_target
from devices.update import release_store
from devices.update.transport import BundleTransport, FolderTransport, HttpTransport
from devices.update.tuf_client import Refused
from runtime.common.errors import InputError, KitError
from tests.support.fleet_repository import (
    Publisher,
    check_whole,
    device,
    keys,
    publisher,
    ring_in,
    running,
    server,
    update,
)
from tests.support.small_disk import small_disk


def only(folder, pattern):
    (path,) = folder.rglob(pattern)
    return path


def refused(made, publisher, reason, folder=None, error=Refused):
    with pytest.raises(error, match=reason):
        update(made, publisher, folder)
    assert check_whole(made.layout) == "one"
    assert sorted(path.name for path in made.layout.models.iterdir()) == ["current", "one"]


def test_changed_file(running, publisher):
    publisher.publish("two")
    path = only(publisher.folder / "targets/releases/two", "*detector_int8.tflite")
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(data)
    refused(running, publisher, "detector_int8.tflite is not what was signed; nothing of it is used")


def test_changed_size(running, publisher, monkeypatch):
    publisher.publish("two")
    path = only(publisher.folder / "targets/releases/two", "*detector_int8.tflite")
    whole = path.read_bytes()
    path.write_bytes(whole + b"!")
    refused(running, publisher, "sends more for .*detector_int8.tflite than the 3000 bytes that were signed")
    path.write_bytes(whole[:-1])
    monkeypatch.setattr(devices.update.download, "FIRST_WAIT", 0.0)
    refused(running, publisher, "detector_int8.tflite ends after 2999 of 3000 bytes")


def test_replayed_old_metadata(running, publisher, tmp_path):
    old = publisher.copy(tmp_path / "old")
    publisher.change("one", percent=99.9)
    publisher.refresh()
    update(running, publisher)
    refused(running, publisher, "an older or another state .*it was replayed", old)
    # All of it is as it was signed, so that a device that has seen nothing newer takes it.
    fresh = device(tmp_path / "fresh")
    assert update(fresh, publisher, old).release == "one"


def test_frozen_metadata(running, publisher):
    publisher.publish("two")
    for role in ("timestamp", "snapshot", "targets"):
        lifetimes = Lifetimes(**{role: -1 / 1440})
        stale = Publisher(publisher.folder, publisher.ring, lifetimes)
        if role == "targets":
            stale.change("two", percent=100.0)
        else:
            stale.refresh()
        refused(running, publisher, f"signatures have expired .*{role}.* --refresh; check that the clock")


@pytest.mark.parametrize("name", ["snapshot", "targets"])
def test_mix_and_match(running, publisher, tmp_path, name):
    old = publisher.copy(tmp_path / "old")
    publisher.publish("two")
    # Validly signed, once, but not together with the rest.
    newest = max((publisher.folder / "metadata").glob(f"*.{name}.json"), key=lambda path: int(path.name.split(".")[0]))
    shutil.copy(only(old, f"1.{name}.json"), newest)
    refused(running, publisher, "is not what was signed|older or another state")


def test_wrong_key(running, publisher, tmp_path):
    other = Publisher(tmp_path / "other", ring_in(tmp_path / "others-keys"))
    other.publish("two")
    other.refresh()
    refused(running, publisher, "not signed by the keys that this device trusts", other.folder)


def test_key_rollover_is_followed_and_the_old_key_is_worth_nothing(tmp_path):
    ring = ring_in(tmp_path / "keys", keys=2, threshold=2)
    made = Publisher(tmp_path / "repository", ring)
    made.publish("one")
    at_home, on_the_way = device(tmp_path / "a"), device(tmp_path / "b")
    assert update(at_home, made).release == "one"
    stolen = shutil.copytree(tmp_path / "keys", tmp_path / "stolen")
    for role in ("targets", "snapshot", "timestamp", "root"):
        assert ring.finish(ring.rotate(role, 365))
    made.publish("two")
    assert update(at_home, made).release == "two" and update(on_the_way, made).release == "two"
    # Who has the old keys signs what they like, and nobody listens.
    thief = Publisher(made.copy(tmp_path / "stolen-repository"), Keyring(stolen, lambda role: b"a passphrase for tests"))
    thief.publish("three")
    with pytest.raises(Refused, match="not signed by the keys"):
        update(at_home, made, thief.folder)
    assert check_whole(at_home.layout) == "two"


def test_a_root_with_too_few_signatures_is_not_followed(tmp_path):
    ring = ring_in(tmp_path / "keys", keys=2, threshold=2)
    made = Publisher(tmp_path / "repository", ring)
    made.publish("one")
    phone = device(tmp_path / "a")
    update(phone, made)
    lost = next((tmp_path / "keys" / "root").iterdir())
    kept = lost.read_bytes()
    lost.unlink()
    root = ring.renew(365)
    assert ring.missing(root) == 1 and not ring.finish(root) and ring.root().signed.version == 1
    (made.folder / "metadata" / "2.root.json").write_bytes(ring.pending_file.read_bytes())
    with pytest.raises(Refused, match="not signed by the keys"):
        update(phone, made)
    # The one who has the other key signs too.
    fsync_files.write(lost, kept, 0o600)
    assert ring.finish(ring.sign_pending()) and not ring.pending_file.exists()
    (made.folder / "metadata" / "2.root.json").unlink()
    made.refresh()
    assert update(phone, made).word == "up to date"


@pytest.mark.parametrize("what", ["timestamp.json", "detector_int8.tflite"])
def test_endless_data(running, publisher, server, what):
    publisher.publish("two")
    sent = []

    def answer(handler, name, data, start):
        if not name.endswith(what):
            handler.wfile.write(data[start:])
            return
        while len(sent) < 1000:
            # Before it is written: whoever has had enough may hang up in the midst of the first.
            sent.append(100_000)
            handler.wfile.write(bytes(100_000))

    server.answer = answer
    with pytest.raises(Refused, match="sends more"):
        running.update(HttpTransport(server.url), publisher.root)
    # The system's buffers hold a few megabytes; a hundred were waiting.
    assert 0 < len(sent) < 1000
    assert check_whole(running.layout) == "one"
    for place, _, names in os.walk(running.layout.state):
        assert all(os.path.getsize(os.path.join(place, name)) < 100_000 for name in names)


def test_path_traversal_in_the_name_of_a_release(running, publisher, tmp_path):
    """Signed with the right key, by a publisher that was taken over."""
    repository = publisher.open()
    name = "../../../evil"
    text = Channel((Offer("one"), Offer(name))).text().encode()
    repository.add("", {channel_target(""): text})
    repository.publish()
    refused(running, publisher, "is no channel: release '../../../evil'", error=KitError)


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "a/b", "..", ".hidden", "release.json", "a\\b\n"])
def test_path_traversal_in_the_name_of_a_file(running, publisher, tmp_path, name):
    files = {"golden_int8.json": b"{}", "m.tflite": b"m", name: b"evil"}
    listed = {file: {"bytes": len(data), "sha256": "0" * 64} for file, data in files.items()}
    text = json.dumps({"format": 1, "release": "two", "models": {"int8": "m.tflite"}, "files": listed})
    publisher.publish("two", text=text)
    refused(running, publisher, "is no release", error=KitError)
    assert not list(tmp_path.rglob("evil"))


def test_a_list_of_files_that_differs_from_what_is_signed(running, publisher):
    listed = {file: {"bytes": 1, "sha256": "0" * 64} for file in ("golden_int8.json", "detector_int8.tflite")}
    text = {"format": 1, "release": "two", "models": {"int8": "detector_int8.tflite"}, "files": listed}
    publisher.publish("two", text=json.dumps(text))
    refused(running, publisher, "is not the file that release.json lists")


def test_a_release_larger_than_the_limit(tmp_path, publisher):
    made = device(tmp_path / "device", most_bytes=2000)
    with pytest.raises(Refused, match=r"at most .* are taken"):
        update(made, publisher)
    assert not list(made.layout.models.iterdir())


@pytest.fixture
def stick(publisher, tmp_path):
    publisher.publish("two")
    path = tmp_path / "stick.tar"
    assert bundle.write(publisher.open(), "", path) == ("two",)
    return path


def test_bundle(running, publisher, stick):
    assert running.update(BundleTransport(Bundle(stick)), publisher.root).release == "two"
    assert check_whole(running.layout) == "two"


def rewritten(stick, change):
    """The same bundle with members changed: `change(member, data)` gives both anew, None to leave it out."""
    data = io.BytesIO()
    with tarfile.open(stick) as old, tarfile.open(fileobj=data, mode="w") as new:
        for member in old:
            changed = change(member, old.extractfile(member).read())
            if changed is not None:
                changed[0].size = len(changed[1])
                new.addfile(changed[0], io.BytesIO(changed[1]))
    stick.write_bytes(data.getvalue())


def test_bundle_with_a_changed_or_swollen_file(running, publisher, stick):
    def swell(member, data):
        return member, data * 3 if member.name.endswith("detector_int8.tflite") else data

    rewritten(stick, swell)
    with pytest.raises(Refused, match="sends more"):
        running.update(BundleTransport(Bundle(stick)), publisher.root)
    assert check_whole(running.layout) == "one"


def test_bundle_that_is_an_archive_bomb(stick, tmp_path):
    (tmp_path / "small.tar").write_bytes(gzip.compress(stick.read_bytes() + bytes(20_000_000)))
    with pytest.raises(InputError, match="is no bundle"):
        Bundle(tmp_path / "small.tar")
    with tarfile.open(tmp_path / "many.tar", "w") as archive:
        for number in range(MOST_MEMBERS + 1):
            archive.addfile(tarfile.TarInfo(str(number)))
    with pytest.raises(InputError, match="more than 10000 files"):
        Bundle(tmp_path / "many.tar")
    # A file of a terabyte in a few bytes: a hole, which only its map names.
    member = tarfile.TarInfo("metadata/timestamp.json")
    member.pax_headers = {"GNU.sparse.map": "0,0", "GNU.sparse.size": str(1 << 40), "GNU.sparse.realsize": str(1 << 40)}
    with tarfile.open(tmp_path / "sparse.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(member)
    with pytest.raises(InputError, match=r"no plain file|is no bundle|cut off"):
        Bundle(tmp_path / "sparse.tar")
    huge = tarfile.TarInfo("metadata/timestamp.json")
    huge.size = 1 << 40
    (tmp_path / "huge.tar").write_bytes(huge.tobuf() + bytes(10_000))
    with pytest.raises(InputError, match="cut off"):
        Bundle(tmp_path / "huge.tar")


@pytest.mark.parametrize("kind", ["symlink", "hard link", "device", "../up", "/etc/passwd"])
def test_bundle_that_leads_elsewhere(stick, tmp_path, kind):
    member = tarfile.TarInfo("metadata/evil" if "/" not in kind else kind)
    types = {"symlink": tarfile.SYMTYPE, "hard link": tarfile.LNKTYPE, "device": tarfile.CHRTYPE}
    member.type = types.get(kind, tarfile.REGTYPE)
    member.linkname = "/etc/passwd"
    with tarfile.open(stick, "a") as archive:
        archive.addfile(member, io.BytesIO(b""))
    with pytest.raises(InputError, match=r"no plain file|would leave its folder"):
        Bundle(stick)


def test_bundle_that_is_cut_off_or_something_else(running, publisher, stick, tmp_path):
    whole = stick.read_bytes()
    for size in (0, 100, 700, len(whole) // 2, len(whole) - 11_000):
        stick.write_bytes(whole[:size])
        with pytest.raises(KitError):
            running.update(BundleTransport(Bundle(stick)), publisher.root)
    assert check_whole(running.layout) == "one"
    with pytest.raises(InputError, match="cannot be read"):
        Bundle(tmp_path / "none.tar")


def test_a_folder_is_never_left(publisher, tmp_path):
    (tmp_path / "secret").write_text("secret")
    with pytest.raises(DownloadError, match="would lead out"):
        FolderTransport(publisher.folder).open("../secret")


Usage = namedtuple("Usage", "total used free")


def test_a_disk_without_room_is_seen_before(running, publisher, monkeypatch):
    publisher.publish("two")
    monkeypatch.setattr(release_store.shutil, "disk_usage", lambda path: Usage(1 << 30, 1 << 30, 1 << 20))
    refused(running, publisher, "1 MB are free, the release needs 0 MB and 16 MB stay free; make room", error=KitError)
    assert not list(running.layout.update.rglob("*.part"))


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk", "1m") as folder:
        yield folder


def test_a_disk_that_is_full_in_the_middle(publisher, disk, monkeypatch):
    made = device(disk)
    monkeypatch.setattr(release_store, "RESERVE_BYTES", 0)
    update(made, publisher)
    publisher.publish("two", model=b"x" * 2000)
    # The disk says that there is room, as one does that others write to meanwhile.
    monkeypatch.setattr(release_store.shutil, "disk_usage", lambda path: Usage(1 << 30, 0, 1 << 30))
    refused(made, publisher, "detector_int8.tflite: cannot be written: No space left on device; make room", error=KitError)
    assert not list(made.layout.update.rglob("*.part"))
    # What is there is worth nothing if nothing can be written any more.
    left = os.statvfs(disk)
    (disk / "filler").write_bytes(bytes(left.f_bavail * left.f_frsize))
    with pytest.raises((KitError, OSError)):
        update(made, publisher)
    assert check_whole(made.layout) == "one"
    (disk / "filler").unlink()
    publisher.publish("three")
    assert update(made, publisher).release == "three"
