"""Records in the cache: old ones are removed, but none in use."""

from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path

import pytest

from train.records import record_cache

DAY = 24 * 3600


def make(root: Path, name: str, days: float, size: int = 1000) -> Path:
    """A folder of records of `size` bytes that was used `days` ago."""
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "examples.tfrecord").write_bytes(b"x" * size)
    (folder / "in-use").touch()
    for path in (folder / "in-use", folder):
        os.utime(path, (time.time() - days * DAY,) * 2)
    return folder


def names(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir())


def test_records_that_nothing_has_used_for_long_are_removed(tmp_path):
    make(tmp_path, "old", 91), make(tmp_path, "new", 89)
    make(tmp_path, ".building-killed", 2), make(tmp_path, ".building-going-on", 0.5)
    (removed,) = record_cache.prune(tmp_path)
    assert str(removed) == f"{tmp_path / 'old'}: removed 0.0 GB of records, last used 91 days ago"
    assert names(tmp_path) == [".building-going-on", "new"]


@pytest.mark.parametrize(("most", "left"), [(3000, ["a", "b", "c"]), (2500, ["b", "c"]), (1000, ["c"]), (0, ["c"])])
def test_beyond_a_size_those_used_longest_ago_are_removed(tmp_path, most, left):
    for name, days in (("a", 30), ("b", 2), ("c", 0.1)):
        make(tmp_path, name, days)
    record_cache.prune(tmp_path, most)
    assert names(tmp_path) == left


def test_records_in_use_are_not_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(record_cache, "_held", {})
    ours, theirs = make(tmp_path, "ours", 100), make(tmp_path, "theirs", 100)
    # Use would make them new.
    monkeypatch.setattr(record_cache.os, "utime", lambda path: None)
    assert record_cache.use(ours)
    with Other(theirs):
        assert record_cache.prune(tmp_path, 0) == []
    assert [removed.folder for removed in record_cache.prune(tmp_path)] == [theirs]
    assert names(tmp_path) == ["ours"]


def test_use_makes_records_new(tmp_path, monkeypatch):
    monkeypatch.setattr(record_cache, "_held", {})
    assert record_cache.use(make(tmp_path, "old", 100))
    record_cache._held.clear()
    assert record_cache.prune(tmp_path, 0) == []


def test_records_that_are_gone_are_not_used(tmp_path):
    assert not record_cache.use(tmp_path / "gone")


class Other:
    """Another process, which uses `folder` until the block ends."""

    def __init__(self, folder: Path) -> None:
        self._ends, end = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("fork").Process(target=_use, args=(folder, end))

    def __enter__(self) -> None:
        self._process.start()
        assert self._ends.recv() == "used"

    def __exit__(self, *_: object) -> None:
        self._ends.send("end")
        self._process.join()


def _use(folder: Path, pipe) -> None:
    assert record_cache.use(folder)
    pipe.send("used")
    pipe.recv()
