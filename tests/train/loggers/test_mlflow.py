"""MLflow, where it is installed, into a local folder."""

from __future__ import annotations

import os

import numpy as np
import pytest

from train.loggers import mlflow as module

mlflow = pytest.importorskip("mlflow", reason="needs MLflow, which is not installed: pip install mlflow-skinny")


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    """Nothing of this machine's settings, and none of them left behind."""
    for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
        monkeypatch.delenv(name)
    # The logger sets this one itself.
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "")
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE")
    yield
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.set_tracking_uri(None)


def only_run(folder):
    client = mlflow.MlflowClient(folder.as_uri())
    (experiment,) = (found for found in client.search_experiments() if found.name != "Default")
    (run,) = client.search_runs([experiment.experiment_id])
    return client, experiment, run


def test_a_run_has_settings_figures_images_and_its_result(tmp_path):
    folder = tmp_path / "runs" / "one"
    folder.mkdir(parents=True)
    logger = module.connect()
    logger.started({"options": {"rate": 0.5, "seed": 3}, "task": {"size": 320}}, folder)
    logger.scalars(5, {"train/loss": 1.5})
    logger.scalars(10, {"train/loss": 1.0, "validation/AP": 0.5, "validation/per_class/dog (big)": 0.25})
    logger.images(10, "validation/detections", [np.zeros((8, 9, 3), np.uint8)])
    logger.finished({"AP": 0.5, "APs": None, "per_class": {"dog": 0.5}, "step": 10})

    client, experiment, run = only_run(tmp_path / "runs" / "mlruns")
    assert experiment.name == "edge-detection-kit"
    assert (run.info.run_name, run.info.status) == ("one", "FINISHED")
    assert run.data.params == {"options.rate": "0.5", "options.seed": "3", "task.size": "320"}
    assert run.data.tags["run_folder"] == str(folder)
    losses = client.get_metric_history(run.info.run_id, "train/loss")
    assert [(found.step, found.value) for found in losses] == [(5, 1.5), (10, 1.0)]
    assert run.data.metrics["validation/per_class/dog _big_"] == 0.25 and run.data.metrics["best/AP"] == 0.5
    (artifact,) = client.list_artifacts(run.info.run_id, "validation/detections")
    assert artifact.path == "validation/detections/step-000010-0.png"


def test_a_resumed_run_is_the_same_run_and_one_that_fails_says_so(tmp_path):
    folder = tmp_path / "runs" / "one"
    folder.mkdir(parents=True)
    for step in (1, 2):
        logger = module.connect()
        logger.started({"options": {"seed": 3}}, folder)
        logger.scalars(step, {"train/loss": 1.0 / step})
        logger.finished(None)
    client, _, run = only_run(tmp_path / "runs" / "mlruns")
    assert run.info.status == "FAILED"
    assert len(client.get_metric_history(run.info.run_id, "train/loss")) == 2


def test_the_environment_names_place_and_experiment(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "elsewhere").as_uri())
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "raccoons")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    folder = tmp_path / "one"
    folder.mkdir()
    logger = module.connect()
    logger.started({}, folder)
    logger.finished({"step": 1, "AP": 0.5})
    assert only_run(tmp_path / "elsewhere")[1].name == "raccoons"
    assert not (tmp_path / "mlruns").exists()
