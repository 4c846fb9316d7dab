"""Weights & Biases: settings, figures, images and the result of a run.

The environment's variables of W&B apply: with `WANDB_MODE=offline` everything stays in the folder `wandb` of the run,
until `wandb sync` sends it.
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

_PROJECT = "edge-detection-kit"
# In the run's folder, so that a resumed run goes on in the same W&B run.
_ID = "wandb_run.txt"


def connect() -> Logger:
    """The logger for W&B. Raises InputError if it is not installed."""
    try:
        import wandb
    except ImportError as error:
        raise InputError(f"--logger wandb: wandb cannot be imported ({error}); pip install wandb") from error
    return WeightsAndBiases(wandb)


class WeightsAndBiases(Logger):
    """Writes to W&B by its module, `wandb`. The environment's WANDB_PROJECT names the project."""

    def __init__(self, wandb: Any):
        self._wandb = wandb
        self._run: Any = None

    def started(self, config: Mapping[str, Any], folder: Path) -> None:
        """Starts a W&B run with the run's settings, or resumes it."""
        file = folder / _ID
        known = file.read_text(encoding="utf-8").strip() if file.is_file() else None
        self._run = self._wandb.init(
            project=os.environ.get("WANDB_PROJECT", _PROJECT),
            name=folder.name,
            id=known,
            resume="allow",
            dir=str(folder),
            config={**config, "run_folder": str(folder.resolve())},
            # Standard output belongs to the run's own log.
            settings=self._wandb.Settings(console="off"),
        )
        if known is None:
            write_text(file, f"{self._run.id}\n")
        # A resumed run repeats steps, which W&B would leave out if they were its own.
        self._run.define_metric("*", step_metric="step")

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Writes the figures."""
        self._run.log({"step": step, **values})

    def images(self, step: int, name: str, images: Sequence[np.ndarray]) -> None:
        """Writes each image under a name of its own, because their sizes may differ."""
        named = {f"{name}/{number}": self._wandb.Image(image) for number, image in enumerate(images)}
        self._run.log({"step": step, **named})

    def finished(self, metrics: Mapping[str, Any] | None) -> None:
        """Writes the figures of the best checkpoint to the summary, and ends the W&B run."""
        if self._run is None:
            return
        if metrics is not None:
            self._run.summary.update({f"best/{name}": value for name, value in metrics.items()})
        self._run.finish(exit_code=1 if metrics is None else 0)
