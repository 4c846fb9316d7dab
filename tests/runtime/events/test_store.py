from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections import namedtuple
from functools import partial
from pathlib import Path

import pytest

from runtime import InputError
from runtime.events import index as indexes
from runtime.events import last_sent
from runtime.events import store as stores
from runtime.events.age import AgeClock
from runtime.events.event import Event
from runtime.events.index import GIVEN_UP, NAME, SENT, WAITS, Index
from runtime.events.store import Budget, Store
from tests.support.small_disk import small_disk

DAY = 86400.0
YEAR = 366 * DAY


def event(number, clip=""):
    name = f"20261130T0000{number:02d}.000Z_{number}"
    return Event(name, "camera", "cat", number, 10.0, 12.0, 2.0, False, 0.9, (1, 2, 3, 4), (8, 6), clip=clip)


def add(store, number, clip="", size=1000):
    if clip and not store.path(clip).exists():
        store.path(clip).write_bytes(bytes(size))
    return store.add(event(number, clip), bytes(size))


def files(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith((NAME, ".lock")))


def ids(folder):
    index = Index(folder, read_only=True)
    try:
        return [each.event.track for each in index.page(None, 100)]
    finally:
        index.close()


CLIP = "20261130T000001.000Z_1c.mp4"


def test_files_index_and_what_comes_after_a_restart(tmp_path):
    store = Store(tmp_path)
    kept = [add(store, number, CLIP) for number in (1, 2)]
    assert kept[0].snapshot == f"{kept[0].id}.jpg" and store.events == 2
    assert store.used == sum((tmp_path / name).stat().st_size for name in files(tmp_path))
    line = (tmp_path / f"{kept[0].id}.json").read_text()
    assert line.endswith("\n") and Event.parse(line) == kept[0] and json.loads(line)["label"] == "cat"
    store.close()
    again = Store(tmp_path)
    assert (again.events, again.used) == (2, store.used) and ids(tmp_path) == [2, 1]
    # A name that is there already is not written over.
    assert add(again, 2).id == f"{kept[1].id}_2"
    again.close()


def test_only_one_run_has_the_folder(tmp_path):
    store = Store(tmp_path)
    with pytest.raises(InputError, match="another run keeps its events there"):
        Store(tmp_path)
    store.close()
    Store(tmp_path).close()


def test_the_oldest_go_first_and_a_clip_with_the_last_of_its_events(tmp_path):
    store = Store(tmp_path, Budget(megabytes=0.006))
    for number in (1, 2):
        add(store, number, CLIP)
    add(store, 3)
    assert ids(tmp_path) == [3, 2, 1]
    add(store, 4)
    assert ids(tmp_path) == [4, 3, 2] and CLIP in files(tmp_path)
    add(store, 5)
    add(store, 6)
    assert ids(tmp_path)[-1] == 3 and CLIP not in files(tmp_path)
    assert store.used == sum((tmp_path / name).stat().st_size for name in files(tmp_path)) <= 6000
    assert store.removed == 2 and add(store, 7, size=7000) is None
    store.close()


def test_a_disk_that_is_nearly_full_keeps_its_rest(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    free = {"bytes": 200_000_000}
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1_000_000_000, 0, free["bytes"]))
    store = Store(tmp_path)
    add(store, 1)
    free["bytes"] = 50_000_500
    assert add(store, 2) is None and ids(tmp_path) == [] and files(tmp_path) == []
    store.close()


def test_an_event_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    def fail(path, data):
        if path.suffix == ".json":
            raise OSError("Input/output error")
        real(path, data)

    real = stores.write_durably
    store = Store(tmp_path)
    monkeypatch.setattr(stores, "write_durably", fail)
    with pytest.raises(OSError, match="Input/output"):
        add(store, 1)
    assert files(tmp_path) == [] and store.used == 0 and store.events == 0
    store.close()


@pytest.fixture
def held(monkeypatch):
    """Names of files that nobody can remove, as on Windows while a viewer has them open."""
    names, unlink = set(), Path.unlink

    def refuse(path, missing_ok=False):
        if path.name in names:
            raise PermissionError(13, "in use", str(path))
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    return names


@pytest.mark.parametrize("ending", ["clip", "snapshot"])
def test_a_file_that_cannot_be_removed_counts_until_it_can(tmp_path, held, ending):
    store = Store(tmp_path, Budget(megabytes=0.006))
    first = add(store, 1, CLIP)
    add(store, 2)
    held.add(getattr(first, ending))
    # Room for the third is made all the same: by the second, where the first cannot give enough.
    assert add(store, 3, size=3500) is not None
    assert 1 not in ids(tmp_path) and held <= set(files(tmp_path))
    assert store.used == sum((tmp_path / name).stat().st_size for name in files(tmp_path)) <= 6000
    with pytest.raises(PermissionError, match="in use"):
        store.clean()
    # Of what can never fit beside it, nothing is removed in vain.
    kept = ids(tmp_path)
    assert add(store, 4, size=5500) is None and ids(tmp_path) == kept
    held.clear()
    store.clean()
    assert getattr(first, ending) not in files(tmp_path)
    assert store.used == sum((tmp_path / name).stat().st_size for name in files(tmp_path))
    store.close()


def test_what_nobody_owns_and_cannot_be_removed_counts_from_the_start(tmp_path, held):
    held.add(CLIP)
    (tmp_path / CLIP).write_bytes(bytes(500))
    store = Store(tmp_path)
    assert store.used == 500
    # An event that has it again keeps it.
    add(store, 1, CLIP)
    held.clear()
    store.clean()
    assert CLIP in files(tmp_path) and store.used == sum((tmp_path / name).stat().st_size for name in files(tmp_path))
    store.close()


def test_days_under_a_clock_that_jumps(tmp_path):
    """Nothing goes too early, and nothing stays for longer, when the clock is set ahead by a year and back."""
    now = {"wall": 1.8e9, "steady": 0.0}

    def clock(last, **more):
        return AgeClock(last, lambda: now["wall"], lambda: now["steady"], **more)

    def hours(number):
        for _ in range(number):
            now["wall"] += 3600
            now["steady"] += 3600
            store.clean()

    store = Store(tmp_path, Budget(days=2), make_clock=clock)
    # In the very first run, a clock that is set ahead is taken for one that was wrong before.
    now["wall"] += YEAR
    hours(1)
    now["wall"] -= YEAR
    store.clean()
    store.close()
    store = Store(tmp_path, Budget(days=2), make_clock=clock)
    add(store, 1)
    hours(24)
    add(store, 2)
    for jump in (YEAR, -YEAR, -YEAR, YEAR):
        now["wall"] += jump
        store.clean()
        assert ids(tmp_path) == [2, 1]
    now["wall"] += YEAR
    hours(4)
    now["wall"] -= YEAR
    # Four hours of a wrong clock made events four hours older.
    hours(15)
    assert ids(tmp_path) == [2, 1]
    hours(2)
    assert ids(tmp_path) == [2]
    store.close()
    # A run that begins with a clock that is a year ahead, and one that begins in 1970.
    for wall in (1.8e9 + YEAR, 0.0):
        now["wall"] = wall
        store = Store(tmp_path, Budget(days=2), make_clock=clock)
        assert ids(tmp_path) == [2]
        store.close()
    store = Store(tmp_path, Budget(days=2), make_clock=clock)
    hours(48)
    assert ids(tmp_path) == [] and files(tmp_path) == []
    store.close()


def test_an_index_that_is_locked_gets_everything_later(tmp_path, monkeypatch):
    """Another process may hold it for longer than anybody waits."""
    monkeypatch.setattr(indexes, "_BUSY_SECONDS", 0.0)
    monkeypatch.setattr(stores, "_RETRY_SECONDS", 0.0)
    store = Store(tmp_path, wanted=True)
    add(store, 1)
    other = sqlite3.connect(tmp_path / NAME)
    other.execute("BEGIN IMMEDIATE")
    assert add(store, 2) is not None and add(store, 3) is not None
    store._remove(event(1).id)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        store.clean()
    assert store.events == 2 and ids(tmp_path) == [1]
    other.rollback()
    store.clean()
    assert ids(tmp_path) == [3, 2] and store.index.count_waiting() == 2
    other.execute("BEGIN IMMEDIATE")
    add(store, 4)
    # Where it stays locked until the end, the next run finds the event by its files.
    store.close()
    other.rollback()
    other.close()
    store = Store(tmp_path, wanted=True)
    assert ids(tmp_path) == [4, 3, 2] and store.index.count_waiting() == 3
    store.close()


def test_a_disk_that_is_full_of_other_things_costs_no_event(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    full = {"bytes": 10_000_000_000}

    def disk(path):
        own = sum((tmp_path / name).stat().st_size for name in files(tmp_path))
        return usage(10_000_000_000, 0, full["bytes"] - own)

    monkeypatch.setattr(shutil, "disk_usage", disk)
    store = Store(tmp_path, Budget(megabytes=0.02))
    for number in range(1, 7):
        add(store, number)
    full["bytes"] = 500_000_100
    assert add(store, 8) is None and len(ids(tmp_path)) == 6
    # Where there is little too little, the oldest make room.
    full["bytes"] = 500_000_000 + store.used + 100
    assert add(store, 9) is not None and ids(tmp_path) == [9, 6, 5, 4, 3, 2]
    store.close()


def test_days_of_a_board_that_begins_in_1970(tmp_path):
    now = {"wall": 1000.0, "steady": 0.0}

    def opened():
        clock = partial(AgeClock, wall=lambda: now["wall"], steady=lambda: now["steady"])
        return Store(tmp_path, Budget(days=2), make_clock=clock)

    store = opened()
    add(store, 1)
    now["wall"] = 1.8e9
    for hour in range(1, 49):
        now["wall"] += 3600
        now["steady"] += 3600
        store.clean()
        if hour in (1, 20):
            # A restart in between: the clock was right before.
            store.close()
            store = opened()
        assert ids(tmp_path) == [1]
    now["steady"] += 60
    store.clean()
    assert ids(tmp_path) == []
    store.close()


@pytest.mark.parametrize("damage", ["lost", "broken", "empty", "other"])
def test_the_index_is_made_again_from_the_files(tmp_path, damage):
    store = Store(tmp_path, wanted=True)
    for number in (1, 2, 3):
        add(store, number, CLIP)
    store.close()
    path = tmp_path / NAME
    path.unlink()
    if damage == "broken":
        path.write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 40)
    elif damage == "empty":
        path.touch()
    elif damage == "other":
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE events (a)")
        other.close()
    store = Store(tmp_path, wanted=True)
    assert ids(tmp_path) == [3, 2, 1] and store.events == 3
    # Whether they were sent isn't in the files: nothing is sent twice.
    assert store.index.count_waiting() == 0
    add(store, 4)
    assert store.index.count_waiting() == 1
    store.close()


def test_a_full_disk_is_no_broken_index_and_keeps_no_run_from_starting(tmp_path, capsys):
    with small_disk(tmp_path / "disk", "30m") as disk:
        store = Store(disk / "kept", wanted=True)
        for number in (1, 2, 3):
            add(store, number)
        store.close()
        filler = os.open(disk / "filler", os.O_CREAT | os.O_WRONLY)
        with contextlib.suppress(OSError):
            while True:
                os.write(filler, bytes(4096))
        os.close(filler)
        store = Store(disk / "kept", wanted=True)
        assert "its disk is full" in capsys.readouterr().err
        assert store.events == 3 and add(store, 4) is None
        (disk / "filler").unlink()
        assert add(store, 5) is not None
        store.close()
        store = Store(disk / "kept", wanted=True)
        assert store.events == 4 and store.index.count_waiting() == 4
        store.close()


def test_a_file_that_cannot_be_read_costs_no_other_event(tmp_path, monkeypatch, capsys):
    store = Store(tmp_path)
    for number in (1, 2, 3):
        add(store, number, CLIP)
    store.close()
    before = files(tmp_path)
    read = Path.read_text

    def failing(path, *words, **more):
        if path.name.endswith("_2.json"):
            raise OSError(errno.EIO, "Input/output error")
        return read(path, *words, **more)

    monkeypatch.setattr(Path, "read_text", failing)
    store = Store(tmp_path)
    assert ids(tmp_path) == [3, 1] and files(tmp_path) == before and "Input/output error" in capsys.readouterr().err
    store.close()


def test_where_the_index_is_lost_what_was_not_sent_still_waits(tmp_path):
    def lost(wanted=True):
        (tmp_path / NAME).unlink()
        store = Store(tmp_path, wanted=wanted)
        waiting, found = [], store.index.waiting()
        while found is not None:
            waiting.append(found.event.track)
            store.index.mark(found.number, SENT)
            found = store.index.waiting()
        store.close()
        return waiting

    store = Store(tmp_path, wanted=True)
    events = [add(store, number) for number in (1, 2, 3, 4)]
    last_sent.note(tmp_path, events[1])
    store.close()
    assert lost() == [3, 4] and lost() == [3, 4]
    (tmp_path / last_sent.NAME).write_bytes(bytes(20))
    assert lost() == []
    last_sent.note(tmp_path, events[1])
    # Where nobody wants any more, nothing waits, and nothing is sent that nobody wanted.
    assert lost(wanted=False) == [] and lost() == []


def test_what_lies_there_of_others_stays_and_what_is_half_written_goes(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"a")
    (tmp_path / "20261130T000009.000Z_9.jpg").write_bytes(b"a")
    (tmp_path / ".20261130T000009.000Z_9c.mp4").write_bytes(b"a")
    (tmp_path / ".20261130T000009.000Z_9.0123456789ab.json").write_bytes(b"a")
    Store(tmp_path).close()
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".sqlite") == [".lock", "holiday.jpg"]


def test_what_waits_for_the_webhook(tmp_path):
    store = Store(tmp_path, wanted=True)
    for number in (1, 2, 3, 4):
        add(store, number)
    index = store.index
    assert index.give_up_oldest(3) == 1 and index.count_waiting() == 3
    first = index.waiting()
    assert first.event.track == 2
    index.mark(first.number, SENT)
    assert index.waiting().event.track == 3 and {WAITS, SENT, GIVEN_UP} == {0, 1, 2}
    store.close()
    # The others wait for the next run.
    store = Store(tmp_path, wanted=True)
    assert store.index.count_waiting() == 2
    store.close()


KILLED = """
import os, signal, sys
from pathlib import Path
from runtime.events import store as stores
from runtime.events.event import Event

def child(folder, moment):
    done = [0]
    def counted(name):
        real = getattr(os, name)
        def call(*arguments, **named):
            done[0] += 1
            if done[0] == moment:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **named)
        setattr(os, name, call)
    store = stores.Store(folder, stores.Budget(megabytes=0.02), wanted=True)
    for name in ("replace", "unlink", "fsync", "open"):
        counted(name)
    for number in range(10, 60):
        clip = f"20261130T0000{number}.000Z_{number}c.mp4"
        store.path(clip).write_bytes(bytes(3000))
        store.add(Event(f"20261130T0000{number}.000Z_{number}", "", "cat", number, 1.0, 2.0, 1.0, False, 0.9,
                        (1, 2, 3, 4), (8, 6), clip=clip), bytes(1000))
    os._exit(3)

for moment in (1, 3, 4, 7, 20, 33, 47, 60, 74, 101):
    folder = Path(sys.argv[1]) / str(moment)
    child_id = os.fork()
    if not child_id:
        child(folder, moment)
    assert os.waitpid(child_id, 0)[1] == signal.SIGKILL
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_the_index_is_whole_after_kill_9_at_ten_moments(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=True, timeout=60)
    folders = sorted(tmp_path.iterdir())
    assert len(folders) == 10
    for folder in folders:
        # As another program finds it: readable, before the next run has looked at it.
        before = ids(folder)
        assert before == sorted(before, reverse=True)
        store = Store(folder, Budget(megabytes=0.02))
        (answer,) = store.index._database.execute("PRAGMA integrity_check").fetchone()
        assert answer == "ok"
        lines = [Event.parse(path.read_text()) for path in sorted(folder.glob("*.json"))]
        assert sorted(ids(folder)) == [each.track for each in lines] and len(set(before) ^ set(ids(folder))) <= 1
        assert files(folder) == sorted(name for each in lines for name in (f"{each.id}.json", each.snapshot, each.clip))
        assert store.used == sum((folder / name).stat().st_size for name in files(folder)) <= 20_000
        add(store, 99)
        store.close()
