"""The weights with the highest AP so far, and the figures they reached."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf

from runtime.common.errors import InputError
from train.checkpoints import files, variables
from train.evaluation.coco import Metrics
from train.run import devices
from train.training.task import DetectionTask


@dataclass(frozen=True)
class Best:
    """The validation with the highest AP so far."""

    step: int
    metrics: Metrics


class BestCheckpoint:
    """Writes the weights, under the published keys, whenever AP has risen, and the figures beside them.

    Model Garden's own exporter keeps the optimizer's state too, twice the size, and writes its note
    of the best figure before the checkpoint that reached it. `source` is where an earlier part of the
    run has left its best.
    """

    def __init__(self, folder: Path, task: DetectionTask, metric: str, source: Path):
        self._folder = folder
        self._task = task
        self._metric = metric
        self.best = _read(source)
        # Of several workers each has measured for itself, and all must come to the same decision.
        self._reached = self.best.metrics[metric] or 0.0 if self.best else None

    @property
    def best_ckpt_logs(self) -> dict[str, float]:
        """What the trainer copies into its logs, by the name of the figure."""
        return {self._metric: self._reached}

    def waited(self, step: int, interval: int) -> int:
        """How many validations, one each `interval` steps, have been no better in a row at `step`."""
        return -(-(step - self.best.step) // interval) if self.best else 0

    def maybe_export_checkpoint(
        self, checkpoint: tf.train.Checkpoint, eval_logs: Mapping[str, Any], global_step: int, write_logs: bool = True
    ) -> bool:
        metrics = self._task.metrics
        figure = devices.chief_value(metrics[self._metric] or 0.0)
        if self.best and figure <= self._reached:
            return False
        best = Best(int(global_step), metrics)
        variables.save(
            checkpoint.model,
            self._folder,
            number=files.next_number(self._folder),
            remove_older=True,
            metadata=json.dumps({"step": best.step, **metrics.as_dict()}, indent=2) + "\n",
        )
        self.best, self._reached = best, figure
        return True


def _read(folder: Path) -> Best | None:
    prefix = files.newest(folder)
    if prefix is None:
        return None
    file = Path(f"{prefix}.json")
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        return Best(values["step"], Metrics.from_dict(values))
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{file}: not what training wrote: {error}") from error
