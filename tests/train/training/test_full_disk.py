"""A disk that is full during training: a one-line error, complete files, and a run that can be resumed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.small_disk import small_disk
from train.checkpoints import files, variables
from train.run.run_folder import RunFolder
from train.sample_data import generation

pytestmark = pytest.mark.long

WARM_START = ROOT / "train" / "warm_start"
# One checkpoint has 21 MB, and a second must be whole before the first one goes.
ROOM_FOR_ONE = "32m"


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk", ROOM_FOR_ONE) as folder:
        yield folder


def test_a_full_disk_is_a_one_line_error_and_the_run_can_be_resumed(starter, disk, tmp_path):
    generation.draw_dataset(tmp_path / "data", images=6, size=(120, 90))
    run, log = RunFolder(disk / "run"), tmp_path / "log"
    options = ["--init", str(WARM_START), "--steps", "3", "--batch", "1", "--checkpoint-every", "1"]
    start = [str(tmp_path / "data"), *options, "--validate-every", "3", "--out", str(run.path)]
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    assert starter.wait(starter.start(start, log, **cache)) == 1
    said = log.read_text()
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert errors == [
        f"error: {run.path}: cannot be written: No space left on device;"
        f" make room, then go on: python -m train --resume {run.path}"
    ]
    assert "Traceback" not in said
    assert files.newest(run.last).name == "ckpt-1"
    assert variables.classes_of(run.last) == len(run.labels())
    assert not [path for path in run.last.iterdir() if path.name.startswith(".")]

    subprocess.run(["mount", "-o", "remount,size=200m", str(disk)], check=True)
    assert starter.wait(starter.start(["--resume", str(run.path)], log, **cache)) == 0, log.read_text()
    assert "going on after step 1 of 3" in log.read_text()
    assert run.metrics()["steps"] == 3
