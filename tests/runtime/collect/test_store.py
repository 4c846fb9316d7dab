from __future__ import annotations

import shutil
from collections import namedtuple

import numpy as np
import pytest

from runtime import Box, Detection, Frame
from runtime.collect import annotation
from runtime.collect.annotation import Origin
from runtime.collect.moment import Moment
from runtime.collect.store import Budget, Store

IMAGE = np.random.default_rng(0).integers(0, 255, (48, 64, 3)).astype(np.uint8)


def moment(time=0.0, image=IMAGE):
    return Moment(Frame(image, time=time), (Detection("cat", 0, 0.75, Box(1, 2, 30, 40.5), track=7),))


def origin(worth, chosen=("doubtful",)):
    return Origin("door", "abc", 1e9, chosen, worth)


def worths(folder):
    found = [annotation.read(path) for path in sorted((folder / "annotations").iterdir())]
    return sorted(item.worth for item in found)


def fill(store, count, *, worth=lambda number: number / 100, step=10.0, unbiased=False):
    return [
        store.add(f"{number:03d}", moment(step * number), origin(worth(number)), unbiased) for number in range(count)
    ]


def pairs(folder):
    stems = [{path.stem for path in (folder / name).iterdir()} for name in ("images", "annotations")]
    assert stems[0] == stems[1]
    return stems[0]


def test_of_an_hour_the_worthiest_stay(tmp_path):
    store = Store(tmp_path, Budget(per_hour=5))
    fill(store, 20, worth=lambda number: (number * 7 % 20) / 20)
    assert worths(tmp_path) == [0.75, 0.8, 0.85, 0.9, 0.95] and len(pairs(tmp_path)) == store.images == 5


def test_the_next_hour_has_a_budget_of_its_own(tmp_path):
    store = Store(tmp_path, Budget(per_hour=5))
    fill(store, 20, step=900.0)
    assert store.images == 20 and store.removed == 0


def test_a_run_that_starts_again_goes_on_with_the_hour(tmp_path):
    def restarted(time):
        store = Store(tmp_path, Budget(per_hour=5))
        store.resume(time, 0.0)
        store.add("new", moment(0.5), origin(0.5), False)
        return store.images

    fill(Store(tmp_path, Budget(per_hour=5)), 5)
    assert restarted(1e9 + 3599) == restarted(1e9 - 3599) == 5
    assert max(worths(tmp_path)) == 0.5
    # The hour is over.
    assert restarted(1e9 + 3601) == 6


def test_of_a_burst_only_the_best_stays(tmp_path):
    store = Store(tmp_path)
    for worth in (0.2, 0.6, 0.4):
        store.add("burst", moment(5.0 + worth), origin(worth), False)
    assert worths(tmp_path) == [0.6]


def test_megabytes_are_kept_and_the_least_worthy_goes(tmp_path):
    store = Store(tmp_path, Budget(megabytes=0.05))
    fill(store, 40)
    used = sum(path.stat().st_size for path in tmp_path.rglob("*.*"))
    assert used == store.bytes and 0.04e6 < used <= 0.05e6
    kept = worths(tmp_path)
    assert kept == [number / 100 for number in range(40 - len(kept), 40)]
    # What is worth less than all of them doesn't come in.
    assert not store.add("low", moment(5000.0), origin(0.01), False) and worths(tmp_path) == kept


def test_what_was_picked_without_bias_is_a_fair_sample_of_the_whole_time(tmp_path):
    means = []
    for seed in range(8):
        store = Store(tmp_path / str(seed), Budget(per_hour=1000, megabytes=0.05), seed)
        fill(store, 120, worth=lambda number: 0.5, unbiased=True)
        stems = [int(stem) for stem in pairs(tmp_path / str(seed))]
        means.append(np.mean(stems))
    # The newest only would give more than 110, the oldest only less than 10.
    assert 40 < np.mean(means) < 80


def test_a_sample_without_bias_is_not_driven_out_by_what_is_worth_more(tmp_path):
    store = Store(tmp_path, Budget(per_hour=4))
    fill(store, 3, worth=lambda number: 0.1, unbiased=True)
    for number in range(10):
        store.add(f"doubt{number}", moment(100.0 + 10 * number), origin(0.9), False)
    assert {"000", "001", "002"} <= pairs(tmp_path)


@pytest.mark.parametrize("total", [50e6, 64e9])
def test_a_disk_is_never_filled(tmp_path, monkeypatch, total):
    free = {"bytes": 0.0}
    usage = namedtuple("usage", "total used free")
    used = lambda: sum(path.stat().st_size for path in tmp_path.rglob("*.*"))  # noqa: E731
    reserve = max(10e6, 0.05 * total)
    free["bytes"] = reserve + 30_000
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(total, 0, free["bytes"] - used()))
    store = Store(tmp_path)
    fill(store, 40)
    assert 3 < store.images < 20 and free["bytes"] - used() > reserve
    assert worths(tmp_path) == [number / 100 for number in range(40 - store.images, 40)]
    # Something else has filled the disk in the meantime: everything goes, and nothing comes.
    free["bytes"] = reserve
    assert not store.add("more", moment(1e5), origin(1.0), False) and store.images == 0


def test_what_a_power_cut_leaves_is_removed_at_the_next_start(tmp_path):
    fill(Store(tmp_path), 3)
    (tmp_path / "annotations" / "001.xml").unlink()
    (tmp_path / "images" / "002.jpg").unlink()
    (tmp_path / "images" / ".003.abc.jpg").write_bytes(b"half")
    store = Store(tmp_path)
    assert pairs(tmp_path) == {"000"} and store.images == 1


def test_a_new_run_goes_on_with_the_budget_of_megabytes(tmp_path):
    fill(Store(tmp_path, Budget(megabytes=0.05)), 20)
    before = worths(tmp_path)
    store = Store(tmp_path, Budget(megabytes=0.05))
    store.add("new", moment(1.0), origin(0.99), False)
    assert 0.99 in worths(tmp_path) and store.bytes <= 0.05e6 and set(worths(tmp_path)) - {0.99} <= set(before)


def test_what_was_labelled_in_the_meantime_is_never_removed(tmp_path):
    fill(Store(tmp_path), 2)
    path = tmp_path / "annotations" / "000.xml"
    path.write_text("<annotation><filename>000.jpg</filename></annotation>")
    store = Store(tmp_path, Budget(megabytes=0.000001))
    assert not store.add("new", moment(1.0), origin(1.0), False)
    assert path.exists() and (tmp_path / "images" / "000.jpg").exists() and store.images == 0


@pytest.mark.parametrize("mark", ["verified", "edited"])
@pytest.mark.parametrize("running", [False, True])
def test_what_a_person_has_confirmed_or_changed_is_never_removed(tmp_path, mark, running):
    fill(Store(tmp_path), 2)
    store = Store(tmp_path, Budget(megabytes=0.000001)) if running else None
    path = tmp_path / "annotations" / "000.xml"
    path.write_text(path.read_text().replace("<annotation>", f'<annotation {mark}="yes">'))
    store = store or Store(tmp_path, Budget(megabytes=0.000001))
    store.add("new", moment(1.0), origin(1.0), False)
    assert path.exists() and (tmp_path / "images" / "000.jpg").exists()
    assert pairs(tmp_path) == {"000"} and store.images == 0


def test_a_name_that_is_taken_gets_a_number(tmp_path):
    store = Store(tmp_path)
    for time in (0.0, 100.0):
        store.add("same", moment(time), origin(0.5), False)
    assert pairs(tmp_path) == {"same", "same_2"}
