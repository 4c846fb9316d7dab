"""A run that is killed in three places and resumed trains by the recipe of an undisturbed run, to the last bit."""

from __future__ import annotations

from pathlib import Path

import pytest

from train.checkpoints import files, variables
from train.run import history
from train.run.run_folder import RunFolder
from train.sample_data import generation

pytestmark = pytest.mark.long

STEPS = 6
# In the middle of the interval between validations; after a validation whose checkpoint is not written yet; near the end.
PLACES = ("after-2", "before-3", "after-5")
LENGTH = ["--steps", str(STEPS), "--validate-every", "3", "--checkpoint-every", "1"]
DATA = ["--mosaic", "0.5", "--scale-jitter", "0.3", "--expand", "0.3", "--oversample", "0.9", "--seed", "2"]


@pytest.fixture(scope="module")
def start(starter, tmp_path_factory) -> Path:
    """A folder with a data set, `data`, and a finished run of the small network, `first`."""
    folder = tmp_path_factory.mktemp("start")
    generation.draw_dataset(folder / "data", images=8, size=(120, 90))
    options = ["--init", "none", "--steps", "2", "--batch", "1", "--ema", "0.9", *DATA]
    run(starter, folder, [str(folder / "data"), "--out", str(folder / "first"), *options])
    return folder


def run(starter, folder: Path, arguments: list[str], place: str = "") -> None:
    """Runs `python -m train` with the small network, which is killed at `place` if one is given."""
    name = "train_killed" if place else "train"
    pid = starter.start(
        [place, *arguments] if place else arguments,
        folder / "log",
        function=f"tests.support.small_network:{name}",
        XDG_CACHE_HOME=str(folder / "cache"),
    )
    assert starter.wait(pid) == (-9 if place else 0), (folder / "log").read_text()


@pytest.mark.parametrize(
    "recipe",
    [
        ["data", "--init", "first", "--batch", "1", "--ema", "0.9", "--epochs", "1", *DATA],
        ["data", "--init", "first", "--batch", "2", "--head-steps", "3", "--frozen-statistics", "--match-iou", "0.4"],
        ["--qat", "first", "--backbone-rate", "0.5", "--head-steps", "2"],
    ],
    ids=["checkpoint", "heads", "qat"],
)
def test_a_resumed_run_is_bit_equal_to_an_undisturbed_one(recipe, starter, start, tmp_path):
    arguments = [str(start / word) if word in ("data", "first") else word for word in recipe]
    arguments += LENGTH if "--epochs" not in recipe else LENGTH[2:]
    undisturbed, killed = RunFolder(tmp_path / "undisturbed"), RunFolder(tmp_path / "killed")
    run(starter, start, [*arguments, "--out", str(undisturbed.path)])
    run(starter, start, [*arguments, "--out", str(killed.path)], PLACES[0])
    for place in PLACES[1:]:
        run(starter, start, ["--resume", str(killed.path)], place)
    run(starter, start, ["--resume", str(killed.path)])

    ours, theirs = (history.read(one.path).training for one in (killed, undisturbed))
    assert [line["rate"] for line in ours] == [line["rate"] for line in theirs]
    for folder in ("best", "last"):
        ours, theirs = (files.newest(getattr(one, folder)) for one in (killed, undisturbed))
        assert list(variables.differing_keys(ours, theirs)) == [], folder
    assert killed.config() == undisturbed.config()
