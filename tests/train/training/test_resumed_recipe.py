"""A run that is killed and resumed trains by the recipe of an undisturbed run, to the last bit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.worker_processes import cluster
from train.checkpoints import files, variables
from train.run import history
from train.run.run_folder import RunFolder
from train.sample_data import generation

pytestmark = pytest.mark.long

STEPS = 6
# Between validations; after a validation whose checkpoint is not written yet; near the end. Where a run is killed and by
# which recipe it trains have nothing to do with each other: one recipe is killed everywhere, each other one in one place.
PLACES = ("after-2", "before-3", "after-5")
LENGTH = ["--steps", str(STEPS), "--validate-every", "3", "--checkpoint-every", "1"]
VARIED = ["--hue", "0.1", "--blur", "0.5", "--vflip", "0.5", "--rotate", "0.5", "--label-smoothing", "0.1"]
VARIED += ["--class-weights", "balanced"]
DATA = ["--mosaic", "0.5", "--scale-jitter", "0.3", "--expand", "0.3", "--oversample", "0.9", "--seed", "2"]


@pytest.fixture(scope="module")
def start(starter, tmp_path_factory) -> Path:
    """A folder with a data set, `data`, and a finished run of the small network, `first`."""
    folder = tmp_path_factory.mktemp("start")
    generation.draw_dataset(folder / "data", images=8, size=(120, 90))
    options = ["--init", "none", "--steps", "2", "--batch", "1", "--ema", "0.9", *DATA]
    run(starter, folder, [str(folder / "data"), "--out", str(folder / "first"), *options])
    return folder


def run(starter, folder: Path, arguments: list[str], place: str = "", workers: bool = False) -> None:
    """Runs `python -m train` with the small network, killed at `place` if one is given; or with two `workers`."""
    name = "train_killed" if place else "train"
    pids = [
        starter.start(
            [place, *arguments] if place else arguments,
            folder / "log",
            function=f"tests.support.small_network:{name}",
            XDG_CACHE_HOME=str(folder / "cache"),
            **environment,
        )
        for environment in (cluster() if workers else [{}])
    ]
    codes = [starter.wait(pid) for pid in pids]
    # A worker may find the chief gone before it is killed itself.
    assert codes[0] == -9 and 0 not in codes if place else set(codes) == {0}, (folder / "log").read_text()


@pytest.mark.parametrize(
    ("recipe", "places"),
    [
        (["data", "--init", "first", "--batch", "1", "--ema", "0.9", "--epochs", "1", *DATA], PLACES),
        (
            ["data", "--init", "first", "--batch", "2", "--head-steps", "3", "--frozen-statistics", "--match-iou", "0.4", *VARIED],
            PLACES[:1],
        ),
        (["--qat", "first", "--backbone-rate", "0.5", "--head-steps", "2"], PLACES[1:2]),
    ],
    ids=["checkpoint", "heads", "qat"],
)
def test_a_resumed_run_is_bit_equal_to_an_undisturbed_one(recipe, places, starter, start, tmp_path):
    arguments = [str(start / word) if word in ("data", "first") else word for word in recipe]
    arguments += LENGTH if "--epochs" not in recipe else LENGTH[2:]
    undisturbed, killed = RunFolder(tmp_path / "undisturbed"), RunFolder(tmp_path / "killed")
    run(starter, start, [*arguments, "--out", str(undisturbed.path)])
    run(starter, start, [*arguments, "--out", str(killed.path)], places[0])
    for place in places[1:]:
        run(starter, start, ["--resume", str(killed.path)], place)
    run(starter, start, ["--resume", str(killed.path)])

    assert_equal(killed, undisturbed)


def test_a_resumed_run_of_two_workers_is_bit_equal_to_an_undisturbed_one(starter, start, tmp_path):
    options = ["--init", str(start / "first"), "--batch", "2", "--ema", "0.9", *DATA, *LENGTH]
    strategy = ["--strategy", "multi_worker"]
    undisturbed, killed = RunFolder(tmp_path / "undisturbed"), RunFolder(tmp_path / "killed")
    first = [str(start / "data"), *options, *strategy, "--out"]
    run(starter, start, [*first, str(undisturbed.path)], workers=True)
    run(starter, start, [*first, str(killed.path)], PLACES[0], workers=True)
    run(starter, start, ["--resume", str(killed.path), *strategy], workers=True)
    assert_equal(killed, undisturbed)


def assert_equal(killed: RunFolder, undisturbed: RunFolder) -> None:
    """All weights and all state of the optimizer are equal, and so are the settings that config.yaml says."""
    ours, theirs = (history.read(one.path).training for one in (killed, undisturbed))
    assert [line["rate"] for line in ours] == [line["rate"] for line in theirs]
    for folder in ("best", "last"):
        ours, theirs = (files.newest(getattr(one, folder)) for one in (killed, undisturbed))
        assert list(variables.differing_keys(ours, theirs)) == [], folder
    assert killed.config() == undisturbed.config()
