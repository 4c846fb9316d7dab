"""What a power cut would leave: everything that an update relies on later is on the disk before it is named.

A disk that keeps only what was flushed is stood in for by a record of `os.fsync`: of a file its content, of a folder
the names in it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from devices.host import fsync_files
from devices.update import download
from devices.update.updater import HELD
from devices.update.verdicts.hold import Terms
from tests.support.fleet_repository import check_whole, device, keys, publisher, running, update

if not hasattr(os, "O_DIRECTORY"):
    pytest.skip("folders cannot be flushed here", allow_module_level=True)


class Disk:
    """What was flushed to the disk, by inode."""

    def __init__(self, monkeypatch) -> None:
        self._flushed = {}

        def fsync(handle):
            self._flushed[_inode(os.fstat(handle))] = _state(Path(os.readlink(f"/proc/self/fd/{handle}")))

        monkeypatch.setattr(os, "fsync", fsync)

    def has_names(self, folder: Path) -> bool:
        """Whether the names in a folder, and where its links lead, were flushed as they are."""
        return self._flushed.get(_inode(folder.stat())) == _state(folder)

    def unflushed(self, path: Path) -> list:
        """The paths at and below `path` that a power cut would lose, or leave as they were before."""
        below = [] if path.is_symlink() or path.is_file() else sorted(path.rglob("*"))
        files = [one for one in (path, *below) if not one.is_symlink()]
        return [str(one) for one in files if self._flushed.get(_inode(one.stat())) != _state(one)]


def _inode(status):
    return status.st_dev, status.st_ino


def _state(path: Path):
    if path.is_dir():
        return sorted((one.name, os.readlink(one) if one.is_symlink() else "") for one in path.iterdir())
    return path.read_bytes()


@pytest.fixture
def disk(monkeypatch):
    return Disk(monkeypatch)


@pytest.fixture
def checked(disk, monkeypatch):
    """At each step of an update that later ones rely on, what would be lost by a power cut: by the name of the step."""
    found = {}
    replace = os.replace

    def watched(source, target):
        source, target = Path(source), Path(target)
        if target.parent.name == "models" and not source.is_symlink():
            found["move in"] = disk.unflushed(source)
        if target.name == "current":
            state = target.parent.parent / "update"
            found["switch"] = disk.unflushed(target.parent / os.readlink(source)) + disk.unflushed(state / "metadata")
            found["switch"] += disk.unflushed(state / "state.json")
        if target.name == "shadow":
            state = target.parent / "update"
            found["hold"] = disk.unflushed(target.parent / os.readlink(source)) + disk.unflushed(state / "metadata")
            found["hold"] += disk.unflushed(state / "state.json")
            said = json.loads((state / "state.json").read_text())
            found["hold"] += [] if said.get("hold", {}).get("release") == Path(os.readlink(source)).name else ["the state"]
        replace(source, target)

    monkeypatch.setattr(os, "replace", watched)
    return found


def test_a_release_is_on_the_disk_before_it_is_moved_in_and_switched_to(running, publisher, checked, disk):
    publisher.publish("two")
    assert update(running, publisher).release == "two"
    assert checked == {"move in": [], "switch": []}
    assert disk.unflushed(running.layout.models / "two") == [] and check_whole(running.layout) == "two"


def test_a_held_release_is_on_the_disk_before_the_link_names_it(running, publisher, checked, disk):
    publisher.publish("two")
    made = device(running.layout.state.parent, hold=Terms(60))
    assert update(made, publisher).word == HELD
    assert checked == {"move in": [], "hold": []} and disk.has_names(made.layout.state)
    publisher.change("two", withdrawn="slow")
    update(made, publisher)
    assert disk.has_names(made.layout.state) and disk.has_names(made.layout.models) and not made.layout.shadow.is_symlink()
    assert disk.unflushed(made.layout.update / "state.json") == []


def test_a_download_that_was_killed_before_it_was_flushed(running, publisher, checked, disk):
    """All bytes of it are there, and the system still has them in memory only."""
    publisher.publish("two")
    part = running.layout.update / "incoming" / "two" / "detector_int8.tflite.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"two" * 1000)
    assert disk.unflushed(part) == [str(part)]
    assert update(running, publisher).release == "two"
    assert checked["move in"] == [] and checked["switch"] == []


def test_what_was_signed_is_on_the_disk_even_where_nothing_is_new(running, publisher, disk):
    """Else an older state could be replayed after a power cut."""
    publisher.refresh()
    update(running, publisher)
    assert disk.unflushed(running.layout.update / "metadata") == []


def test_a_continued_download_is_flushed_before_it_is_named(running, publisher, disk, tmp_path):
    class Target:
        path, length, hashes = "releases/two/a", 3, {"sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}

    class Transport:
        where = "here"

        def open(self, name, start=0):
            return start, iter([b"abc"[start:]])

    (tmp_path / "a.part").write_bytes(b"a")
    download.download(Transport(), Target(), tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"abc" and disk.unflushed(tmp_path / "a") == []


def test_a_tree_is_flushed_with_all_its_folders(tmp_path, disk):
    top = tmp_path / "top"
    (top / "deep" / "deeper").mkdir(parents=True)
    for folder in (top, top / "deep", top / "deep" / "deeper"):
        (folder / "file").write_bytes(b"content")
    (top / "link").symlink_to("nowhere")
    assert len(disk.unflushed(top)) == 6
    fsync_files.sync_tree(top)
    assert disk.unflushed(top) == []
    (top / "deep" / "file").write_bytes(b"changed")
    assert disk.unflushed(top) == [str(top / "deep" / "file")]
