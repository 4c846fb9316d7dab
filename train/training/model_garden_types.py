"""Base classes of Model Garden, Orbit and TensorFlow's checkpoint manager with types.

These libraries come without type information. A type checker sees the interfaces declared here, with the attributes
that the kit uses; at run time the names are the libraries' own classes.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Protocol

import tensorflow as tf
from official.core import config_definitions

from train.layers.keras_types import Model

if TYPE_CHECKING:

    @dataclasses.dataclass
    class DataConfig:
        """Where a data set is and how it is read."""

        global_batch_size: int = 0
        is_training: bool = False
        drop_remainder: bool = True
        seed: int | None = None

    @dataclasses.dataclass
    class TaskConfig:
        """What is trained."""

        init_checkpoint: str = ""

    class Task:
        """A task: network, data and metrics."""

        logging_dir: str
        loss: str

        def __init__(self, params: TaskConfig, logging_dir: str | None = None, name: str | None = None) -> None: ...

        @property
        def task_config(self) -> TaskConfig:
            """The settings of the task."""

        def initialize(self, model: Model) -> None:
            """Loads initial weights."""

    class CheckpointManager:
        """A writer of checkpoints."""

        checkpoint: tf.train.Checkpoint

        def __init__(
            self,
            checkpoint: tf.train.Checkpoint,
            directory: str,
            max_to_keep: int,
            *,
            step_counter: tf.Variable,
            checkpoint_interval: int,
        ) -> None: ...

        def save(
            self, checkpoint_number: int | None = None, check_interval: bool = True, options: object = None
        ) -> str | None:
            """Writes a checkpoint."""

        def restore_or_initialize(self) -> str | None:
            """Restores the last checkpoint."""

    class OrbitController:
        """A loop of training and evaluation."""

        strategy: tf.distribute.Strategy
        trainer: Trainer
        global_step: tf.Variable

        def __init__(self, **kwargs: Any) -> None: ...

        def train(self, steps: int, checkpoint_at_completion: bool = True) -> None:
            """Trains up to `steps`."""

        def evaluate(self, steps: int = -1) -> dict[str, Any] | None:
            """Evaluates `steps` batches."""

        def save_checkpoint(self) -> None:
            """Writes a checkpoint."""

        def _maybe_save_checkpoint(self, check_interval: bool = True) -> bool: ...

    class OrbitExperimentRunner:
        """Builds what an experiment needs, and runs it."""

        strategy: tf.distribute.Strategy
        params: config_definitions.ExperimentConfig
        model_dir: str
        trainer: Trainer
        controller: OrbitController
        checkpoint_manager: CheckpointManager

        def __init__(self, *, task: Task, **kwargs: Any) -> None: ...

        def run(self) -> tuple[Model, dict[str, Any]]:
            """Runs the experiment."""

        def _build_trainer(self, task: Task, train: bool, evaluate: bool) -> Trainer: ...

else:
    from official.core.base_task import Task
    from official.core.config_definitions import DataConfig, TaskConfig
    from official.core.train_lib import OrbitExperimentRunner
    from orbit import Controller as OrbitController
    from tensorflow.train import CheckpointManager


class Trainer(Protocol):
    """The part of Model Garden's `base_trainer.Trainer` that the kit uses."""

    model: Model
    optimizer: tf.optimizers.Optimizer
    checkpoint: tf.train.Checkpoint
    global_step: tf.Variable
    checkpoint_exporter: Any

    def initialize(self) -> None:
        """Initializes the task's network."""


__all__ = [
    "CheckpointManager",
    "DataConfig",
    "OrbitController",
    "OrbitExperimentRunner",
    "Task",
    "TaskConfig",
    "Trainer",
]
