"""An update that is killed at any moment leaves a working model, and the next one continues from there.

A kill is not a power cut: the system still writes what the process had handed over. That files are
flushed before they are named is a matter of `devices.host.fsync_files`, tested below.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections import deque
from dataclasses import replace
from pathlib import Path

import pytest

from devices.host import fsync_files
from devices.update.release_store import ReleaseStore
from devices.update.transport import FolderTransport
from devices.update.updater import HELD, UPDATED, Device
from devices.update.verdicts.hold import Counted, Terms
from devices.update.verdicts.verdict import BAD, TROUBLE, Verdict
from tests.support.fleet_repository import Publisher, check_whole, device, keys, update

KILLS = 200

if not hasattr(os, "fork"):
    pytest.skip("needs fork", allow_module_level=True)


@pytest.fixture
def place():
    """In memory, where flushing costs nothing."""
    folder = tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    yield Path(folder)
    shutil.rmtree(folder)


def attempt(make, publisher, seconds=None):
    """An update in a process of its own, which is killed after `seconds`; gives how long it ran, or None
    where it was killed."""
    begin = time.monotonic()
    pid = os.fork()
    if not pid:
        code = 1
        try:
            make().update(FolderTransport(publisher.folder), publisher.root)
            code = 0
        finally:
            os._exit(code)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return None
    assert os.WEXITSTATUS(status) == 0
    return time.monotonic() - begin


def test_200_kills_at_random_moments(place, keys):
    chance = random.Random(7)
    publisher = Publisher(place / "repository", keys)
    publisher.publish("r0")

    def make():
        # A test that takes long enough to be met by a kill, and reads all of the model.
        def test(folder):
            assert (folder / "golden.json").is_file() and (folder / "detector.tflite").read_bytes()
            time.sleep(0.003)
            return ()

        return device(place / "device", test)

    attempt(make, publisher)
    whole = check_whole(make().layout)
    newest, kills, met = 0, 0, set()
    # The last undisturbed times. Their median, since one that the machine held up must not put off the kills after it.
    times = deque([0.05], maxlen=5)
    while kills < KILLS:
        if whole == f"r{newest}":
            newest += 1
            publisher.publish(f"r{newest}", model=chance.randbytes(40))
            repository = publisher.open()
            repository.set_channel("", repository.channel("").latest(3))
            repository.publish()
        taken = attempt(make, publisher, chance.uniform(0, 1.1 * max(0.01, statistics.median(times))))
        if taken is None:
            kills += 1
        else:
            times.append(taken)
        before, whole = whole, check_whole(make().layout)
        assert whole in (before, f"r{newest}")
        left = place / "device" / "state" / "update"
        probation = make().state.probation
        met.add((whole == before, (left / "incoming" / f"r{newest}").is_dir(), probation is not None))
        if probation is not None and probation.begun > 2:
            # One more, and the device would rightly take the model for what cuts it off.
            attempt(make, publisher)
            whole = check_whole(make().layout)
    # The kills have met it in more than one place.
    assert len(met) >= 2, met
    made = make()
    assert made.update(FolderTransport(publisher.folder), publisher.root).release == f"r{newest}"
    assert made.state.probation is None and made.state.last_good == f"r{newest}" and not made.state.refused
    left = [path.name for path in made.layout.models.iterdir()] + [path.name for path in made.layout.update.iterdir()]
    assert not [name for name in left if name.startswith(".") or name.endswith(".part")], left


EVENTS = {"os.rename", "os.remove", "os.symlink", "os.mkdir", "os.rmdir", "os.truncate", "open", "shutil.rmtree"}


def test_a_kill_before_each_thing_that_is_done_to_files(place, keys):
    """All of them, one after the other: what chance does not meet, since it is over in microseconds."""
    publisher = Publisher(place / "repository", keys)
    publisher.publish("one")
    update(device(place / "before"), publisher)
    publisher.publish("two")
    seen = []
    for number in range(1000):
        here = place / "device"
        shutil.copytree(place / "before", here, symlinks=True)
        pid = os.fork()
        if not pid:
            code = 1
            try:
                made = device(here)
                kill_before(number, here)
                code = 0 if made.update(FolderTransport(publisher.folder), publisher.root).release == "two" else 1
            finally:
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        seen.append(check_whole(device(here).layout))
        again = device(here)
        assert update(again, publisher).release == "two" and again.state.last_good == "two"
        assert check_whole(again.layout) == "two" and not again.state.refused
        shutil.rmtree(here)
        if not os.WIFSIGNALED(status):
            assert os.WEXITSTATUS(status) == 0
            break
    assert seen[0] == "one" and seen[-1] == "two" and seen == sorted(seen)
    assert len(seen) > 30, "an update does more than that"


@pytest.mark.usefixtures("no_flushing")
@pytest.mark.parametrize("what", ["held", "passed", "refused", "replaced"])
def test_a_kill_before_each_thing_that_a_hold_does_to_files(place, keys, what):
    """At any moment the link names a whole release or nothing, and the next update goes on from there."""
    terms = Terms(60, 10, 0.5)
    publisher = Publisher(place / "repository", keys)
    publisher.publish("one")
    update(device(place / "before"), publisher)
    publisher.publish("two")
    if what != "held":
        made = device(place / "before", hold=terms)
        assert update(made, publisher).word == HELD
        agreement = (0, 30, 0) if what == "refused" else (30, 0, 0)
        counted = Counted("1", 30 if what == "replaced" else 60, 30, {"cat": agreement})
        made._change_state(hold=replace(made.state.hold, latest=counted))
    if what == "replaced":
        publisher.publish("three")
    ends = {"held": ("one", "two"), "passed": ("two", ""), "refused": ("one", ""), "replaced": ("one", "three")}
    number, seen = 0, set()
    while number < 100:
        here = place / "device"
        shutil.copytree(place / "before", here, symlinks=True)
        pid = os.fork()
        if not pid:
            code = 1
            try:
                made = device(here, hold=terms)
                kill_before(number, here, ("/models", "/shadow", "/.shadow", "/state.json", "/.state.json"))
                made.update(FolderTransport(publisher.folder), publisher.root)
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        made = device(here, hold=terms)
        link = made.layout.shadow
        # It may name a release that has just been dropped; the runtime then has none.
        seen.add((check_whole(made.layout), link.is_symlink(), link.exists()))
        made.update(FolderTransport(publisher.folder), publisher.root)
        name = os.path.basename(os.readlink(link)) if link.is_symlink() else ""
        assert (check_whole(made.layout), name) == ends[what]
        assert ("two" in made.state.refused) == (what == "refused")
        assert (made.layout.models / "two").exists() == (what != "replaced")
        left = [*made.layout.state.glob(".*"), *made.layout.update.glob(".*"), *made.layout.models.glob(".*")]
        assert not left and not list((made.layout.update / "incoming").glob("*"))
        shutil.rmtree(here)
        if not os.WIFSIGNALED(status):
            assert os.WEXITSTATUS(status) == 0
            break
        number += 1
    assert number > 5 and len(seen) > 1, (number, seen)


def kill_before(number, folder, among=("",)) -> None:
    """Ends this process before the `number`th thing from here on that changes a file below `folder`.

    Only those are counted whose path has one of the texts `among`.
    """
    left = [number]

    def hook(event, arguments):
        names = [str(name) for name in arguments[:2] if str(name).startswith(str(folder))]
        is_below = event in EVENTS and any(text in name for name in names for text in among)
        if is_below and _writes(event, arguments):
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def _writes(event, arguments) -> bool:
    if event != "open":
        return True
    mode, flags = arguments[1], arguments[2]
    return bool(flags & (os.O_WRONLY | os.O_RDWR)) if mode is None else any(letter in mode for letter in "wax+")


@pytest.mark.parametrize("word", [BAD, TROUBLE])
@pytest.mark.parametrize("cut", ["remember", "link", "reload"])
def test_a_cut_between_two_steps_of_a_return(tmp_path, publisher_of_two, monkeypatch, cut, word):
    """Each step of going back from a bad model, cut off right before it."""
    publisher, _ = publisher_of_two
    failing = device(tmp_path / "device", probation=1.0)

    class Cut(Exception):
        pass

    monkeypatch.setattr(type(failing), "_watch", lambda self, probation: Verdict(word, "no good"))
    owner, name = {
        "remember": (Device, "_change_state"), "link": (ReleaseStore, "set_current"), "reload": (Device, "_reload"),
    }[cut]  # fmt: skip
    steps = getattr(owner, name)
    go_back = Device.go_back

    def cut_off(*_, **__):
        raise Cut

    def going(self, probation, reason, may_pass):
        monkeypatch.setattr(owner, name, cut_off)
        return go_back(self, probation, reason, may_pass)

    monkeypatch.setattr(Device, "go_back", going)
    with pytest.raises(Cut):
        update(failing, publisher)
    monkeypatch.setattr(owner, name, steps)
    monkeypatch.setattr(Device, "go_back", go_back)
    again = device(tmp_path / "device", probation=1.0)
    update(again, publisher)
    assert check_whole(again.layout) == "one" and again.state.failed == {"two": "no good"}
    assert ("two" in again.state.refused) == (word == BAD)
    assert again.state.last_good == "one" and again.state.probation is None


@pytest.fixture
def publisher_of_two(tmp_path, keys):
    publisher = Publisher(tmp_path / "repository", keys)
    publisher.publish("one")
    made = device(tmp_path / "device")
    assert update(made, publisher).word == UPDATED
    publisher.publish("two")
    return publisher, made


def test_a_probation_that_is_interrupted_again_and_again_ends(tmp_path, publisher_of_two, monkeypatch):
    """A model that takes the power down with it."""
    publisher, _ = publisher_of_two

    def cut(self, probation):
        raise KeyboardInterrupt

    watch = Device._watch
    monkeypatch.setattr(Device, "_watch", cut)
    for _ in range(4):
        with pytest.raises(KeyboardInterrupt):
            update(device(tmp_path / "device", probation=1.0), publisher)
        assert check_whole(device(tmp_path / "device").layout) == "two"
    monkeypatch.setattr(Device, "_watch", watch)
    last = device(tmp_path / "device", probation=1.0)
    update(last, publisher)
    assert check_whole(last.layout) == "one" and "interrupted 4 times" in last.state.refused["two"]


def test_what_is_named_is_on_the_disk(tmp_path, monkeypatch):
    """In this order: the content, the name, the folder that has the name."""
    done = []
    fsync, replace = os.fsync, os.replace
    kind = lambda handle: "folder" if os.path.isdir(f"/proc/self/fd/{handle}") else "file"  # noqa: E731
    monkeypatch.setattr(os, "fsync", lambda handle: (done.append(f"flush {kind(handle)}"), fsync(handle)))
    monkeypatch.setattr(os, "replace", lambda *names: (done.append("rename"), replace(*names)))
    fsync_files.write(tmp_path / "a", b"a")
    assert done == ["flush file", "rename", "flush folder"]
    done.clear()
    fsync_files.link(tmp_path / "b", "a")
    assert done == ["rename", "flush folder"] and (tmp_path / "b").read_bytes() == b"a"
