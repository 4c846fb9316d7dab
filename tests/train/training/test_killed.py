"""A run that is killed many times loses only the steps since its last checkpoint, and ends with the same weights."""

from __future__ import annotations

import json
import random
import shutil
import time
from pathlib import Path

import pytest
import tensorflow as tf
import yaml
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from train.checkpoints import files, variables
from train.run import history
from train.run.run_folder import RunFolder
from train.sample_data import generation

pytestmark = pytest.mark.long

STEPS = 16
KILLS = 10


def test_a_run_that_is_killed_ten_times_ends_like_an_undisturbed_one(starter, tmp_path):
    generation.draw_dataset(tmp_path / "data", images=8, size=(120, 90))
    options = ["--init", "none", "--steps", str(STEPS), "--batch", "1", "--seed", "2", "--validate-every", str(STEPS // 2)]
    # Everything that has a state of its own, or draws by the place in the sequence.
    recipe = ["--ema", "0.9", "--head-steps", "2", "--mosaic", "0.5", "--scale-jitter", "0.3", "--oversample", "0.9"]
    start = [str(tmp_path / "data"), *options, *recipe, "--checkpoint-every"]
    run, undisturbed = RunFolder(tmp_path / "killed"), RunFolder(tmp_path / "undisturbed")
    log = tmp_path / "log"
    draw = random.Random(4)
    killed, steps = 0, []
    small = {"function": "tests.support.small_network:train", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    whole = starter.start([*start, str(STEPS), "--out", str(undisturbed.path)], log, **small)
    assert starter.wait(whole) == 0, log.read_text()
    first, *_, final = history.read(undisturbed.path).training
    a_step = (final["seconds"] - first["seconds"]) / (final["step"] - first["step"])
    anew = [*start, "1", "--out", str(run.path)]
    pid = starter.start(anew, log, **small)
    while killed < KILLS and not run.has_ended:
        # Some while it starts, most in the midst of steps, checkpoints and validations.
        if draw.random() < 0.8:
            wait_for_another_checkpoint(run)
        # A checkpoint takes about as long as a step.
        time.sleep(draw.uniform(0, 3) * a_step)
        assert starter.kill(pid) in (-9, 0), log.read_text()
        killed += 1
        steps.append(everything_is_readable(run))
        if not (run.path / "config.yaml").exists():
            shutil.rmtree(run.path, ignore_errors=True)
        pid = starter.start(["--resume", str(run.path)] if run.path.exists() else anew, log, **small)
    assert starter.wait(pid) == 0, log.read_text()
    assert killed > KILLS // 2, f"at its end after {killed} kills"
    assert steps == sorted(steps) and len(set(steps)) > 3, steps

    everything_is_readable(run)
    assert run.metrics()["steps"] == STEPS
    assert run.metrics()["AP"] == undisturbed.metrics()["AP"]
    for folder in ("best", "last"):
        ours, theirs = (files.newest(getattr(one, folder)) for one in (run, undisturbed))
        assert list(variables.differing_keys(ours, theirs)) == []
    kept = [name for name in tf.train.load_checkpoint(str(run.last)).get_variable_to_shape_map() if name.startswith("model/")]
    slots = [name for name in kept if ".OPTIMIZER_SLOT" in name]
    assert len([name for name in slots if "/average/" in name]) == len(kept) - len(slots) > 100
    assert [line["step"] for line in history.read(run.path).validations] == [STEPS // 2, STEPS]


def wait_for_another_checkpoint(run: RunFolder) -> None:
    before = files.newest(run.last)
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and files.newest(run.last) == before and not run.has_ended:
        time.sleep(0.02)


def everything_is_readable(run: RunFolder) -> int:
    """Reads every complete file in the folder and returns the step of the last checkpoint."""
    for path in run.path.rglob("*"):
        if not path.is_file() or any(part.startswith(".") for part in path.relative_to(run.path).parts):
            continue
        if path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix == ".yaml":
            assert yaml.safe_load(path.read_text())["options"]["steps"] == STEPS
        elif path.suffix == ".index":
            reader = tf.train.load_checkpoint(str(path).removesuffix(".index"))
            for name in reader.get_variable_to_shape_map():
                reader.get_tensor(name)
        elif ".tfevents." in path.name:
            list(EventFileLoader(str(path)).Load())
        elif ".data-" not in path.name:
            # What belongs to an index was read with it; without one it is of a checkpoint that never came to count.
            path.read_bytes().decode()
    newest = files.newest(run.last)
    return int(newest.name.removeprefix("ckpt-")) if newest else 0
