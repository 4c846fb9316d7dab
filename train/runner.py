"""Model Garden's experiment runner with this kit's places for checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf
from official.core import train_lib

from train import checkpoints
from train.coco import Metrics
from train.run_folder import RunFolder
from train.task import DetectionTask


class Runner(train_lib.OrbitExperimentRunner):
    """Keeps the newest checkpoint in `checkpoints/last` and the best weights in `checkpoints/best`."""

    def __init__(self, *, task: DetectionTask, **kwargs):
        self.task = task
        super().__init__(task=task, **kwargs)

    def _maybe_build_checkpoint_manager(self) -> tf.train.CheckpointManager:
        return tf.train.CheckpointManager(
            self.trainer.checkpoint,
            directory=str(RunFolder(Path(self.model_dir)).last),
            max_to_keep=self.params.trainer.max_to_keep,
            step_counter=self.trainer.global_step,
            checkpoint_interval=self.params.trainer.checkpoint_interval,
            init_fn=self.trainer.initialize,
        )

    def _build_best_checkpoint_exporter(self) -> BestWeights:
        return BestWeights(
            RunFolder(Path(self.model_dir)).best, self.task, self.params.trainer.best_checkpoint_eval_metric
        )


@dataclass(frozen=True)
class Best:
    """The validation with the highest AP so far."""

    step: int
    metrics: Metrics


class BestWeights:
    """Writes the weights, under the published keys, whenever AP has risen.

    Model Garden's own exporter keeps the optimizer's state too, twice the size, and writes its note
    of the best figure before the checkpoint that reached it.
    """

    def __init__(self, folder: Path, task: DetectionTask, metric: str):
        self._folder = folder
        self._task = task
        self._metric = metric
        self.best: Best | None = None

    @property
    def best_ckpt_logs(self) -> dict[str, float]:
        """What the trainer copies into its logs, by the name of the figure."""
        return {self._metric: self.best.metrics[self._metric] or 0.0}

    def maybe_export_checkpoint(
        self, checkpoint: tf.train.Checkpoint, eval_logs: Mapping[str, Any], global_step: int, write_logs: bool = True
    ) -> bool:
        metrics = self._task.metrics
        if self.best and (metrics[self._metric] or 0.0) <= (self.best.metrics[self._metric] or 0.0):
            return False
        checkpoints.save(checkpoint.model, self._folder)
        self.best = Best(int(global_step), metrics)
        return True
