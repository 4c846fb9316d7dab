"""Weights & Biases, where it is installed, without a network."""

from __future__ import annotations

import os

import numpy as np
import pytest

from train.loggers import wandb as module

wandb = pytest.importorskip("wandb", reason="needs wandb, which is not installed: pip install wandb")


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    for name in ("CACHE", "CONFIG", "DATA"):
        monkeypatch.setenv(f"WANDB_{name}_DIR", str(tmp_path / "own"))


def test_a_resumed_run_is_the_same_run_and_everything_stays_in_its_folder(tmp_path):
    folder = tmp_path / "one"
    folder.mkdir()
    ids = []
    for step in (10, 5):
        logger = module.connect()
        logger.started({"options": {"rate": 0.5}}, folder)
        logger.scalars(step, {"train/loss": 1.5 / step})
        logger.images(step, "validation/detections", [np.zeros((8, 9, 3), np.uint8), np.zeros((5, 4, 3), np.uint8)])
        run = logger._run
        ids.append(run.id)
        assert run.config["options"] == {"rate": 0.5} and run.config["run_folder"] == str(folder)
        assert run.project == "edge-detection-kit" and run.name == "one"
        logger.finished({"AP": 0.5, "per_class": {"dog": 0.5}, "step": step})
    assert ids[0] == ids[1] == (folder / "wandb_run.txt").read_text().strip()
    # Until W&B's own process has ended, its files may not be whole.
    wandb.teardown()
    kept = [path.read_bytes() for path in (folder / "wandb").rglob("*.wandb")]
    assert len(kept) == 2
    assert all(name in data for name in (b"best/AP", b"train/loss", b"validation/detections/0") for data in kept)
    assert len(list((folder / "wandb").rglob("*.png"))) == 4


def test_a_run_that_never_started_ends_quietly():
    module.connect().finished(None)
