"""What a disk holds at a power cut: of each file, what was written before its last flush began."""

from __future__ import annotations

import errno
import json
import os
import threading

import numpy as np
import pytest

from runtime import Frame, KitError
from runtime.sinks import _disk_flush, open_sink
from runtime.sinks._disk_flush import DiskFlush
from runtime.sources import Source, open_source


class Fake(Source):
    name = "clip.mp4"
    fps = 4.0
    live = True

    def __iter__(self):
        return iter(())


class Disk:
    """Keeps of each file what it had when its last flush began, and of each folder the names."""

    def __init__(self, monkeypatch):
        self.kept = {}
        self.error = None
        self.holding = threading.Event()
        self.holding.set()
        self.asked = threading.Semaphore(0)
        self._flushed = threading.Semaphore(0)
        self._next = threading.Semaphore(0)
        self._flush = os.fsync
        monkeypatch.setattr(os, "fsync", self._fsync)
        monkeypatch.setattr(DiskFlush, "_pause", self._pause)

    def _fsync(self, handle):
        path = os.readlink(f"/proc/self/fd/{handle}")
        if os.path.isdir(path):
            content = sorted(os.listdir(path))
        else:
            with open(path, "rb") as file:
                content = file.read()
        self.asked.release()
        assert self.holding.wait(60)
        if self.error:
            self._flushed.release()
            raise self.error
        self._flush(handle)
        self.kept[path] = content

    def _pause(self):
        self._flushed.release()
        self._next.acquire()

    def wait(self):
        """Waits until what was written is flushed, and the time to the next flush has begun."""
        assert self._flushed.acquire(timeout=60)

    def let_go(self, times=1):
        """Ends the time to the next flush."""
        self._next.release(times)


@pytest.fixture
def disk(monkeypatch):
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("which file is flushed is read in /proc")
    return Disk(monkeypatch)


def frame(index, value=100):
    return Frame(np.full((48, 64, 3), value, np.uint8), index, 1e9 + index / 4, monotonic=index / 4)


def test_json_lines_are_whole_up_to_the_last_flush(disk, tmp_path):
    path = tmp_path / "new" / "er" / "a.jsonl"
    sink = open_sink(str(path), Fake())
    for flush in range(3):
        for index in range(10 * flush, 10 * flush + 10):
            sink.write(frame(index), ())
            if index == 0:
                disk.wait()
        if flush == 0:
            # Nothing is flushed before the time is over, so that only the first line is sure.
            assert len(disk.kept[str(path)].splitlines()) == 1
        disk.let_go()
        disk.wait()
        kept = disk.kept[str(path)]
        assert kept.endswith(b"\n") and len(kept.splitlines()) == 10 * flush + 10
    sink.write(frame(30), ())
    disk.let_go(9)
    sink.close()
    assert [json.loads(line)["frame"] for line in disk.kept[str(path)].splitlines()] == list(range(31))
    # A file that is flushed, but not its name or that of a folder above it, is gone.
    assert disk.kept[str(tmp_path)] == ["new"] and disk.kept[str(path.parent)] == ["a.jsonl"]
    assert disk.kept[str(path.parent.parent)] == ["er"]


def test_an_mp4_can_be_played_up_to_the_last_flush(disk, tmp_path):
    path, left = tmp_path / "a.mp4", tmp_path / "left.mp4"
    sink = open_sink(str(path), Fake())
    # Fragments of two seconds, eight frames, of which each is written when the next begins.
    for index in range(9):
        sink.write(frame(index, 10 * index), ())
    disk.wait()
    for index in range(9, 28):
        sink.write(frame(index, 5 * index), ())
    for frames in (8, 24):
        left.write_bytes(disk.kept[str(path)])
        with open_source(str(left)) as source:
            assert len(list(source)) == frames
        disk.let_go()
        disk.wait() if frames == 8 else None
    disk.let_go(9)
    sink.close()
    left.write_bytes(disk.kept[str(path)])
    with open_source(str(left)) as source:
        assert len(list(source)) == 28
    assert disk.kept[str(tmp_path)] == ["a.mp4"]


def test_an_avi_is_on_the_disk_before_it_has_its_name(disk, tmp_path):
    disk.let_go(9)
    path = tmp_path / "a.avi"
    with open_sink(str(path), Fake()) as sink:
        for index in range(4):
            sink.write(frame(index), ())
    first, last = (kept for kept in disk.kept if kept.endswith(".avi"))
    assert last == str(path) and disk.kept[first] == path.read_bytes()
    assert disk.kept[str(tmp_path)] == ["a.avi"]


def test_a_disk_that_hangs_stops_nobody(disk, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(_disk_flush, "CLOSE_SECONDS", 0.01)
    disk.holding.clear()
    path = tmp_path / "a.jsonl"
    sink = open_sink(str(path), Fake())
    for index in range(100):
        sink.write(frame(index), ())
    assert disk.asked.acquire(timeout=60)
    assert len(path.read_bytes().splitlines()) == 100
    sink.close()
    assert f"warning: {path}: is written, but the disk has not kept its end yet" in capsys.readouterr().err
    disk.let_go(9)
    disk.holding.set()


@pytest.mark.parametrize("name", ["a.jsonl", "a.mp4"])
def test_a_disk_that_fails_is_an_error(disk, tmp_path, name):
    disk.error = OSError(errno.EIO, "Input/output error")
    path = tmp_path / name
    sink = open_sink(str(path), Fake())

    def write():
        for index in range(9):
            sink.write(frame(index), ())

    said = rf"{name}: the disk has not kept what was written: Input/output error; look at the disk"
    disk.holding.clear()
    write()
    disk.holding.set()
    (sink._disk if name == "a.jsonl" else sink._output._disk)._thread.join()
    with pytest.raises(KitError, match=said):
        write()
    # It is said once; what was written is closed.
    sink.discard()


def test_a_failure_of_the_last_flush_is_an_error_too(disk, tmp_path):
    sink = open_sink(str(tmp_path / "a.jsonl"), Fake())
    sink.write(frame(0), ())
    disk.wait()
    disk.error = OSError(errno.ENOSPC, "No space left on device")
    sink.write(frame(1), ())
    disk.let_go()
    with pytest.raises(KitError, match="No space left on device"):
        sink.close()


def test_the_names_of_a_folder_that_cannot_be_flushed(disk, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.EINVAL, "Invalid argument")))
    _disk_flush._flush_names(tmp_path)
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.EIO, "Input/output error")))
    with pytest.raises(OSError, match="Input"):
        _disk_flush._flush_names(tmp_path)


def test_what_is_no_file_on_a_disk_is_not_flushed(disk, tmp_path):
    path = tmp_path / "a.jsonl"
    path.symlink_to(os.devnull)
    with open_sink(str(path), Fake()) as sink:
        sink.write(frame(0), ())
    assert disk.kept == {}


def test_how_long_a_flush_waits_for_the_next(monkeypatch):
    waited = []
    monkeypatch.setattr(threading.Condition, "wait_for", lambda self, until, seconds=None: waited.append(seconds))
    flush = DiskFlush.__new__(DiskFlush)
    flush._changed = threading.Condition()
    flush._pause()
    assert waited == [_disk_flush.SECONDS] and _disk_flush.SECONDS == 5
