"""Training with two worker processes: equal steps, one run folder, and resuming after a worker dies."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from tests.support.paths import ROOT
from tests.support.worker_processes import cluster
from train.checkpoints import files, variables
from train.run import history
from train.run.run_folder import RunFolder
from train.sample_data import generation

pytestmark = pytest.mark.long

WARM_START = ROOT / "train" / "warm_start"


def start(starter, arguments: list[str], log: Path, **options) -> list[int]:
    return [
        starter.start(
            arguments,
            log.with_name(f"{log.name}-{index}"),
            **options,
            **environment,
            XDG_CACHE_HOME=str(log.parent / "cache"),
        )
        for index, environment in enumerate(cluster())
    ]


def test_a_step_of_two_workers_equals_that_of_one_process(starter, tmp_path):
    function = "tests.support.worker_processes:one_step"
    alone = starter.start(["", str(tmp_path / "alone")], tmp_path / "log", function=function)
    assert starter.wait(alone) == 0, (tmp_path / "log").read_text()
    pids = start(starter, ["multi_worker", str(tmp_path / "both")], tmp_path / "log", function=function)
    assert [starter.wait(pid) for pid in pids] == [0, 0], (tmp_path / "log-0").read_text()
    ours, theirs = (weights(tmp_path / name) for name in ("both", "alone"))
    before = weights(WARM_START)
    moved = {name: np.linalg.norm(value - before[name]) for name, value in theirs.items()}
    for name, value in theirs.items():
        assert np.linalg.norm(ours[name] - value) <= 1e-3 * moved[name] + 1e-7, name
    assert sum(distance > 1e-5 for distance in moved.values()) > 40
    losses = {(tmp_path / name).read_text().splitlines()[-1] for name in ("log", "log-0", "log-1")}
    assert len(losses) == 1


def weights(folder: Path) -> dict[str, np.ndarray]:
    import tensorflow as tf

    reader = tf.train.load_checkpoint(variables.resolve(folder))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map() if name.startswith("model/")}


def test_training_resumes_after_a_worker_dies(starter, tmp_path):
    generation.draw_dataset(tmp_path / "data", images=8, size=(120, 90))
    run, log = RunFolder(tmp_path / "run"), tmp_path / "log"
    options = ["--init", "none", "--steps", "4", "--batch", "2", "--checkpoint-every", "1"]
    strategy = ["--strategy", "multi_worker"]
    first = [str(tmp_path / "data"), *options, *strategy, "--out", str(run.path)]
    chief, worker = start(starter, first, log, function="tests.support.worker_processes:train_impatiently")
    deadline = time.monotonic() + 300
    while not files.newest(run.last) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert starter.kill(worker) == -9
    assert starter.wait(chief) == 1, (tmp_path / "log-0").read_text()
    said = (tmp_path / "log-0").read_text()
    assert "a worker is gone" in said and f"--resume {run.path}" in said and "Traceback" not in said

    pids = start(starter, ["--resume", str(run.path), *strategy], log, function="tests.support.small_network:train")
    assert [starter.wait(pid) for pid in pids] == [0, 0], (tmp_path / "log-0").read_text()
    assert run.metrics()["steps"] == 4
    assert [line["step"] for line in history.read(run.path).validations] == [1, 2, 3, 4]
    assert not list(Path(tmp_path).glob("worker-*"))
