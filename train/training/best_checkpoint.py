"""The best checkpoint: the weights with the highest AP so far, and their metrics."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf

from runtime.common.errors import InputError
from train.checkpoints import files, variables
from train.evaluation.coco import Metrics
from train.evaluation.validation import Validation
from train.run import devices


@dataclass(frozen=True)
class Best:
    """The best validation so far. `value` is the metric that validations are compared by."""

    step: int
    metrics: Metrics
    value: float


class BestCheckpoint:
    """Writes the weights, under the published keys, and the metrics beside them, whenever AP has risen.

    Model Garden's own exporter also keeps the optimizer's state, which doubles the size, and it records the best metric
    before it writes the checkpoint.

    Args:
      folder: where the checkpoint is written.
      validation: returns the result of the last validation.
      metric: name of the metric to compare by, "AP".
      source: where an earlier part of the run has left its best checkpoint.
    """

    def __init__(self, folder: Path, validation: Callable[[], Validation], metric: str, source: Path):
        self._folder = folder
        self._validation = validation
        self._metric = metric
        self.best = _read(source, metric)

    @property
    def best_ckpt_logs(self) -> dict[str, float]:
        """The best value by the name of the metric, for Model Garden; empty before the first validation."""
        return {self._metric: self.best.value} if self.best else {}

    def waited(self, step: int, interval: int) -> int:
        """Number of validations in a row, one every `interval` steps, that were not better at `step`."""
        return -(-(step - self.best.step) // interval) if self.best else 0

    def maybe_export_checkpoint(
        self, checkpoint: tf.train.Checkpoint, eval_logs: Mapping[str, Any], global_step: int, write_logs: bool = True
    ) -> bool:
        """Writes the weights in `checkpoint` if the last validation is the best so far. Returns whether it is."""
        metrics = self._validation().metrics
        # Each worker has validated for itself, and all must come to the same decision.
        value = devices.chief_value(metrics[self._metric] or 0.0)
        if self.best and value <= self.best.value:
            return False
        best = Best(int(global_step), metrics, value)
        variables.save(
            checkpoint.model,
            self._folder,
            number=files.next_number(self._folder),
            remove_older=True,
            metadata=json.dumps({"step": best.step, **metrics.as_dict()}, indent=2) + "\n",
        )
        self.best = best
        return True


def _read(folder: Path, metric: str) -> Best | None:
    prefix = files.newest(folder)
    if prefix is None:
        return None
    file = Path(f"{prefix}.json")
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        metrics = Metrics.from_dict(values)
        return Best(values["step"], metrics, metrics[metric] or 0.0)
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{file}: not in the format that training writes: {error}") from error
