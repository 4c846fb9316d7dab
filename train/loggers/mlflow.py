"""MLflow: settings, figures, images and the result of a run.

Without `MLFLOW_TRACKING_URI`, into the folder `mlruns` beside the run's folder, which needs no server and no network.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from runtime.common.errors import InputError
from runtime.common.files import write_text
from train.loggers import Logger
from train.run.settings import flat

_EXPERIMENT = "edge-detection-kit"
# In the run's folder, so that a resumed run goes on in the same MLflow run.
_ID = "mlflow_run.txt"


def connect() -> Logger:
    """The logger for MLflow. Raises InputError if it is not installed."""
    try:
        import mlflow
    except ImportError as error:
        raise InputError(f"--logger mlflow: MLflow cannot be imported ({error}); pip install mlflow-skinny") from error
    return MLflow(mlflow)


class MLflow(Logger):
    """Writes to MLflow by its module, `mlflow`. The environment's MLFLOW_EXPERIMENT_NAME names the experiment."""

    def __init__(self, mlflow: Any):
        self._mlflow = mlflow
        self._id: str | None = None

    def started(self, config: Mapping[str, Any], folder: Path) -> None:
        """Starts an MLflow run with the run's settings as parameters and its folder as a tag, or resumes it."""
        if not self._mlflow.is_tracking_uri_set():
            # MLflow prefers a data base to a folder, but needs more packages for it.
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
            self._mlflow.set_tracking_uri((folder.resolve().parent / "mlruns").as_uri())
        self._mlflow.set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME", _EXPERIMENT))
        file = folder / _ID
        known = file.read_text(encoding="utf-8").strip() if file.is_file() else None
        run = self._mlflow.start_run(run_id=known, run_name=None if known else folder.name, nested=True)
        self._id = run.info.run_id
        if known is None:
            write_text(file, f"{self._id}\n")
            self._mlflow.log_params(flat(config))
            self._mlflow.set_tag("run_folder", str(folder.resolve()))

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Writes the figures as metrics."""
        self._mlflow.log_metrics({_name(name): value for name, value in values.items()}, step=step)

    def images(self, step: int, name: str, images: Sequence[np.ndarray]) -> None:
        """Writes the images as artifacts."""
        for number, image in enumerate(images):
            self._mlflow.log_image(image, artifact_file=f"{name}/step-{step:06}-{number}.png")

    def finished(self, metrics: Mapping[str, Any] | None) -> None:
        """Writes the figures of the best checkpoint as `best/AP` and so on, and ends the MLflow run."""
        if self._id is None:
            return
        if metrics is not None:
            numbers = {name: value for name, value in metrics.items() if isinstance(value, (int, float))}
            self._mlflow.log_metrics({f"best/{name}": value for name, value in numbers.items()}, step=metrics["step"])
        self._mlflow.end_run("FAILED" if metrics is None else "FINISHED")


def _name(name: str) -> str:
    """`name` with the characters that MLflow takes: class names may have others."""
    return "".join(letter if letter.isalnum() or letter in "_-. /" else "_" for letter in name)
