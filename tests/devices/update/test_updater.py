"""The updater's decisions that no server and no interruption is needed for: what it recovers, tests and says."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import replace

import pytest

from devices.host import fsync_files
from devices.releases.release import NAME
from devices.update.state import Probation
from devices.update.updater import UP_TO_DATE, UPDATED
from runtime.common.errors import KitError
from tests.support.fleet_repository import check_whole, device, keys, publisher, running, update


@pytest.fixture
def again(running):
    """The device that runs `one`, after its state was changed on the disk."""

    def again(**changes):
        replace(running.state, **changes).write(running.layout.update)
        return device(running.layout.state.parent)

    return again


def test_an_update_without_news_gives_no_reason(running, publisher):
    outcome = update(running, publisher)
    assert (outcome.word, outcome.release, outcome.reason) == (UP_TO_DATE, "one", "")
    assert running.state.offered == "one" and time.time() - 60 < running.state.checked <= time.time()
    assert running.state.repository == str(publisher.folder)


def test_a_probation_that_was_written_down_before_a_cut_is_forgotten(again, publisher):
    made = again(probation=Probation("two", "one", 0.0))
    made.recover()
    assert made.state.probation is None and made.release == "one" and not made.state.refused
    publisher.publish("two")
    assert update(made, publisher).word == UPDATED and made.state.last_good == "two"
    assert made.said == ["downloading two (int8, 0.0 MB)", "self-test of two", "switched to two"]


def test_a_probation_that_has_begun_is_not_forgotten(again, running, publisher):
    publisher.publish("two")
    update(running, publisher)
    made = again(last_good="one", probation=Probation("two", "one", 0.0))
    made.recover()
    assert made.state.probation == Probation("two", "one", 0.0) and made.state.last_good == "one"


def test_a_refused_release_that_still_runs_is_left(again, running, publisher):
    publisher.publish("two")
    update(running, publisher)
    made = again(last_good="one", refused={"two": "no good"})
    made.recover()
    assert check_whole(made.layout) == "one" and made.state.refused == {"two": "no good"}


def test_a_release_that_was_set_by_hand_is_kept(again, running, publisher):
    publisher.publish("two")
    update(running, publisher)
    fsync_files.link(running.layout.current, "one")
    made = again()
    made.recover()
    assert made.release == made.state.last_good == "one"


def test_a_link_to_a_release_that_is_gone_leads_to_the_last_good_one(again):
    made = again()
    fsync_files.link(made.layout.current, "gone")
    made.recover()
    assert check_whole(made.layout) == "one" and made.state.last_good == "one"


def test_where_nothing_is_whole_no_link_is_made(again):
    made = again(last_good="gone")
    made.layout.current.unlink()
    made.recover()
    assert made.release == ""


def test_what_is_on_the_disk_already_is_tested_where_it_lies(running, publisher):
    publisher.publish("two")
    update(running, publisher)
    publisher.change("two", withdrawn="counts dogs as cats")
    tested = []
    made = device(running.layout.state.parent, lambda folder: tested.append(folder) or ())
    assert update(made, publisher).release == "one"
    assert tested == [made.layout.models / "one"]


def test_a_release_that_is_not_what_is_signed_is_fetched_anew(running, publisher):
    publisher.publish("two")
    kept = running.layout.models / "two"
    shutil.copytree(running.layout.models / "one", kept, symlinks=True)
    tested = []
    made = device(running.layout.state.parent, lambda folder: tested.append(folder) or ())
    assert update(made, publisher).release == "two" and check_whole(made.layout) == "two"
    assert tested == [made.layout.update / "incoming" / "two"]
    assert '"release": "two"' in (kept / NAME).read_text()


def test_what_is_left_of_other_downloads_is_removed(running, publisher):
    publisher.publish("two")
    old, part = (running.layout.update / "incoming" / name for name in ("old", "two"))
    for folder in (old, part):
        folder.mkdir(parents=True)
        (folder / "detector_int8.tflite.part").write_bytes(b"x" * 99)
    assert update(running, publisher).release == "two"
    assert not old.exists() and not part.exists()


def test_a_failed_self_test_names_some_of_what_is_wrong_and_leaves_nothing(running, publisher):
    publisher.publish("two")
    made = device(running.layout.state.parent, lambda folder: tuple("abcd") if folder.name == "two" else ())
    with pytest.raises(KitError, match=r"two does not work on this device, one stays; self-test: a; b; c$"):
        update(made, publisher)
    assert made.said[-1] == "self-test of two" and not (made.layout.update / "incoming").exists()
    assert made.release == "one" and made.state.last_good == "one" and made.state.probation is None


def test_a_first_release_that_fails_leaves_nothing_running(publisher, tmp_path):
    made = device(tmp_path / "device", lambda folder: ("finds nothing",))
    with pytest.raises(KitError, match="one does not work on this device, nothing stays"):
        update(made, publisher)
    assert made.release == "" and not list(made.layout.models.iterdir())


def test_the_one_to_return_to_is_the_one_that_ran_whatever_the_clock_said_then(running, publisher):
    # Installed while the clock was years ahead.
    ahead = time.time() + 5 * 365 * 86400
    os.utime(running.layout.models / "one" / "detector.tflite", (ahead, ahead), follow_symlinks=False)
    for name in ("two", "three"):
        publisher.publish(name)
        assert update(running, publisher).release == name
    assert sorted(path.name for path in running.layout.models.iterdir()) == ["current", "three", "two"]
    assert running.roll_back().release == "two"


def test_what_the_runtime_keeps_in_a_folder_makes_it_no_newer_one(running, publisher):
    installed = running.layout.models / "installed-1"
    installed.mkdir()
    (installed / "detector.tflite").write_bytes(b"installed")
    os.utime(installed / "detector.tflite", (1e9, 1e9))
    publisher.publish("two")
    assert update(running, publisher).release == "two"
    # Its clock was not set yet.
    os.utime(running.layout.models / "one", (1, 1))
    assert running.roll_back().release == "one"


def test_a_model_whose_file_is_gone_is_fetched_again(running, publisher):
    (running.layout.models / "one" / "detector_int8.tflite").unlink()
    outcome = update(running, publisher)
    assert (outcome.word, outcome.release, outcome.reason) == (UPDATED, "one", "its model was gone, and was fetched again")
    assert check_whole(running.layout) == "one" and running.layout.model.read_bytes() == b"one" * 1000
    assert update(running, publisher).word == UP_TO_DATE
