from __future__ import annotations

import shutil
from collections import namedtuple

import numpy as np
import pytest

from runtime import Box, Detection, Frame
from runtime.collect import annotation
from runtime.collect import pairs as pairs_module
from runtime.collect.annotation import Origin
from runtime.collect.moment import Moment
from runtime.collect.store import Budget, Store

IMAGE = np.random.default_rng(0).integers(0, 255, (48, 64, 3)).astype(np.uint8)


@pytest.fixture(autouse=True)
def _quick_disk(monkeypatch):
    monkeypatch.setattr(pairs_module, "sync", lambda path: None)


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


def room_for_one(folder):
    """A budget in which one image has room."""
    return Budget(megabytes=1.5e-6 * Store(folder).bytes / Store(folder).images)


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


def test_an_image_of_an_earlier_moment_takes_the_place_of_two_only_where_it_is_worth_more_than_both(tmp_path):
    store = Store(tmp_path)
    for time, worth in ((0.0, 0.95), (2.5, 0.3)):
        assert store.add(f"{time:g}", moment(time), origin(worth), False)
    assert not store.add("between", moment(1.3), origin(0.5), False)
    assert worths(tmp_path) == [0.3, 0.95]
    assert store.add("better", moment(1.3), origin(0.99), False) and worths(tmp_path) == [0.99]


def test_megabytes_are_kept_and_the_least_worthy_goes(tmp_path):
    store = Store(tmp_path, Budget(megabytes=0.05))
    fill(store, 40)
    used = sum(path.stat().st_size for path in tmp_path.rglob("*.*"))
    assert used == store.bytes and 0.04e6 < used <= 0.05e6
    kept = worths(tmp_path)
    assert kept == [number / 100 for number in range(40 - len(kept), 40)]
    # What is worth less than all of them doesn't come in.
    assert not store.add("low", moment(5000.0), origin(0.01), False) and worths(tmp_path) == kept


@pytest.mark.parametrize("restarts", [False, True])
def test_what_was_picked_without_bias_is_a_fair_sample_of_the_whole_time(tmp_path, restarts):
    stems, image, budget = [], np.zeros((8, 8, 3), np.uint8), Budget(per_hour=1000, megabytes=0.02)
    for seed in range(4):
        folder = tmp_path / str(seed)
        store = Store(folder, budget, seed)
        for number in range(80):
            if restarts and number % 10 == 0:
                store = Store(folder, budget, 1000 * seed + number)
            store.add(f"{number:03d}", moment(10.0 * number, image), origin(0.5, ("every",)), True)
        stems += [int(stem) for stem in pairs(folder)]
    # The newest only would give more than 70, the oldest only less than 10.
    assert len(stems) > 40 and 30 < np.mean(stems) < 50


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
    # Something else has filled the disk in the meantime: what is there stays, since without it there is no room either.
    images, free["bytes"] = store.images, reserve
    assert not store.add("more", moment(1e5), origin(1.0), False) and not store.add("sample", moment(2e5), origin(0.5), True)
    assert store.images == images == len(pairs(tmp_path))


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
    store = Store(tmp_path, room_for_one(tmp_path))
    assert store.images == 1 and store.add("new", moment(1.0), origin(1.0), False)
    assert pairs(tmp_path) == {"000", "new"} and store.images == 1


@pytest.mark.parametrize("mark", ["verified", "edited"])
@pytest.mark.parametrize("running", [False, True])
def test_what_a_person_has_confirmed_or_changed_is_never_removed(tmp_path, mark, running):
    fill(Store(tmp_path), 2)
    store = Store(tmp_path, room_for_one(tmp_path)) if running else None
    path = tmp_path / "annotations" / "000.xml"
    path.write_text(path.read_text().replace("<annotation>", f'<annotation {mark}="yes">'))
    store = store or Store(tmp_path, room_for_one(tmp_path))
    store.add("new", moment(1.0), origin(1.0), False)
    assert pairs(tmp_path) == {"000", "new"} and store.images == 1


def test_a_name_that_is_taken_gets_a_number(tmp_path):
    store = Store(tmp_path)
    for time in (0.0, 100.0):
        store.add("same", moment(time), origin(0.5), False)
    assert pairs(tmp_path) == {"same", "same_2"}


def test_other_files_of_the_folder_are_left_alone(tmp_path):
    """A person names the folder of a data set by mistake."""
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "1.jpg").write_bytes(b"theirs")
    store = Store(tmp_path, Budget(megabytes=0.02))
    fill(store, 10)
    store = Store(tmp_path, Budget(megabytes=0.02))
    store.add("1", moment(1e4), origin(1.0), False)
    assert (tmp_path / "images" / "1.jpg").read_bytes() == b"theirs" and (tmp_path / "annotations" / "1_2.xml").exists()


@pytest.mark.parametrize("megabytes", [500, 0.05])
def test_a_sample_of_more_than_the_hour_takes_is_of_the_whole_time(tmp_path, megabytes):
    store = Store(tmp_path, Budget(per_hour=4, megabytes=megabytes), seed=1)
    # Eight in each of ten hours.
    small = np.zeros((8, 8, 3), np.uint8) if megabytes == 500 else IMAGE
    for number in range(80):
        store.add(f"{number:03d}", moment(450.0 * number, small), origin(0.5, ("every",)), True)
        assert sum(450 * number - 3600 < 450 * int(name) for name in pairs(tmp_path)) <= 4
    halves = [sum(low <= int(name) < low + 40 for name in pairs(tmp_path)) for low in (0, 40)]
    if megabytes == 500:
        # It was 4 in all, of the last half hour.
        assert min(halves) >= 8
    else:
        assert min(halves) >= 1


def test_what_is_not_kept_makes_nothing_go(tmp_path):
    store = Store(tmp_path, Budget(megabytes=0.05))
    fill(store, 40, worth=lambda number: 0.1 if number == 39 else 0.9)
    images = pairs(tmp_path)
    large = np.random.default_rng(0).integers(0, 255, (96, 128, 3)).astype(np.uint8)
    # It would need the room of several, of which only some are worth less.
    assert not store.add("large", moment(1e4, large), origin(0.5), False) and pairs(tmp_path) == images


@pytest.mark.parametrize("budget", [Budget(), Budget(per_hour=3), Budget(megabytes=0.02)])
@pytest.mark.parametrize("unbiased", [False, True])
def test_what_somebody_asks_for_is_always_kept(tmp_path, budget, unbiased):
    store = Store(tmp_path, budget, seed=0)
    fill(store, 10, worth=lambda number: 1.0, step=3.0, unbiased=unbiased)
    for number in range(3):
        time = 27.5 + number
        assert store.wants(1.0, False, time, asked=True)
        assert store.add(f"asked{number}", moment(time), origin(1.0, ("asked",)), False)
    wanted = {f"asked{number}" for number in range(3)}
    assert wanted <= pairs(tmp_path) or budget.megabytes < 1
    assert "asked2" in pairs(tmp_path)
    # Picked frames don't take their place, also in the next run.
    Store(tmp_path, budget).add("picked", moment(100.0), origin(1.0), False)
    assert wanted <= pairs(tmp_path) or budget.megabytes < 1


def test_a_disk_that_fails_does_not_empty_the_folder(tmp_path, monkeypatch):
    store = Store(tmp_path, Budget(per_hour=5))
    fill(store, 5)
    monkeypatch.setattr(store._pairs, "write", lambda *_: (_ for _ in ()).throw(OSError("read error")))
    for number in range(5):
        with pytest.raises(OSError, match="read error"):
            store.add(f"new{number}", moment(100.0 + 10 * number), origin(1.0), False)
    assert store.images == len(pairs(tmp_path)) == 4
