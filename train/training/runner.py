"""Model Garden's experiment runner, with the kit's training loop and checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf
from official.modeling import optimization

from train.layers.keras_types import Model
from train.run.run_folder import RunFolder
from train.training.best_checkpoint import Best, BestCheckpoint
from train.training.last_checkpoint import LastCheckpoint
from train.training.model_garden_types import OrbitController, OrbitExperimentRunner, Task, Trainer
from train.training.task import DetectionTask

Action = Callable[[Mapping[str, Any]], None]


class Runner(OrbitExperimentRunner):
    """Trains and validates, with the last checkpoint in `checkpoints/last` and the best in `checkpoints/best`.

    Args:
      task: network, data and metrics.
      run: the run; training is resumed from its last checkpoint, if there is one.
      identity: text that identifies the run in its checkpoints (see `resume.identity`).
      patience: number of validations without a better AP after which training stops early.
      kwargs: arguments of `OrbitExperimentRunner`, among them `model_dir`, the folder to write into.
    """

    def __init__(
        self, *, task: DetectionTask, run: RunFolder, identity: str, patience: int | None = None, **kwargs: Any
    ):
        self.task = task
        self._run = run
        self._identity = identity
        self._patience = patience
        super().__init__(task=task, **kwargs)

    @property
    def step(self) -> int:
        """Number of steps done."""
        return int(self.trainer.global_step.numpy())

    @property
    def best_checkpoint(self) -> BestCheckpoint:
        """The writer of the best checkpoint."""
        exporter = self.trainer.checkpoint_exporter
        assert isinstance(exporter, BestCheckpoint)
        return exporter

    @property
    def seconds(self) -> float:
        """Time that training has taken so far, with its earlier parts."""
        manager = self.checkpoint_manager
        assert isinstance(manager, LastCheckpoint)
        return manager.seconds

    def train(self) -> Best:
        """Trains and validates to the end and returns the best validation.

        A run that already has all its steps, but no validation, is validated.
        """
        if self.task.validate_first and not self.step:
            with self.strategy.scope():
                self.controller.evaluate()
        self.run()
        if self.best_checkpoint.best is None:
            with self.strategy.scope():
                self.controller.evaluate()
        best = self.best_checkpoint.best
        assert best is not None, "the first validation is always the best so far"
        return best

    def _build_trainer(self, task: Task, train: bool, evaluate: bool) -> Trainer:
        trainer = super()._build_trainer(task, train, evaluate)
        # TensorFlow traces a function twice if it creates variables in its first call; that would be half of the time
        # from the start to the first step. And only existing variables can be checked when a checkpoint is restored.
        with self.strategy.scope():
            trainer.optimizer._create_all_weights(trainer.model.trainable_variables)
        return trainer

    def _build_best_checkpoint_exporter(self) -> BestCheckpoint:
        return BestCheckpoint(
            RunFolder(Path(self.model_dir)).best,
            lambda: self.task.validation,
            self.params.trainer.best_checkpoint_eval_metric,
            source=self._run.best,
        )

    def _maybe_build_checkpoint_manager(self) -> LastCheckpoint:
        return LastCheckpoint(
            self.trainer.checkpoint,
            RunFolder(Path(self.model_dir)).last,
            self.trainer.global_step,
            self._initialize,
            identity=self._identity,
            source=self._run.last,
            every=self.params.trainer.checkpoint_interval,
        )

    def _initialize(self) -> None:
        self.trainer.initialize()
        start_average(self.trainer.optimizer, self.trainer.model)

    def _build_controller(
        self,
        trainer: Trainer,
        evaluator: Trainer,
        train_actions: Sequence[Action] = (),
        eval_actions: Sequence[Action] = (),
        **_: object,
    ) -> Controller:
        """The kit's controller, without Model Garden's actions, which would write checkpoints of their own."""
        settings = self.params.trainer
        return Controller(
            ended=self._ended_early,
            strategy=self.strategy,
            trainer=trainer,
            evaluator=evaluator,
            global_step=trainer.global_step,
            steps_per_loop=settings.steps_per_loop,
            checkpoint_manager=self.checkpoint_manager,
            summary_dir=str(Path(self.model_dir) / "train"),
            eval_summary_dir=str(Path(self.model_dir) / settings.validation_summary_subdir),
            summary_interval=settings.summary_interval,
            train_actions=train_actions,
            eval_actions=eval_actions,
        )

    def _ended_early(self) -> bool:
        waited = self.best_checkpoint.waited(self.step, self.params.trainer.validation_interval)
        return self._patience is not None and waited >= self._patience


def start_average(optimizer: tf.optimizers.Optimizer, model: Model) -> None:
    """Sets the moving average of the weights, if `optimizer` keeps one, to the weights of `model`.

    Model Garden begins it at zero. So the first validations would be those of another network, and one before the first
    step that of an empty one.
    """
    if isinstance(optimizer, optimization.ExponentialMovingAverage):
        for variable in model.variables:
            optimizer.get_slot(variable, "average").assign(variable.read_value())


class Controller(OrbitController):
    """Orbit's loop, with validations at multiples of the interval, also in a resumed run.

    If validation and checkpoint are due at the same step, the checkpoint comes second, so that a resumed run misses no
    validation. `ended` is called before each interval; training stops if it returns True.
    """

    def __init__(self, *, ended: Callable[[], bool], **kwargs: Any):
        self._ended = ended
        # The step of the next validation; -1 before the first interval.
        self._target = -1
        super().__init__(**kwargs)

    def train_and_evaluate(self, train_steps: int, eval_steps: int = -1, eval_interval: int | None = None) -> None:
        """Trains up to `train_steps` and evaluates every `eval_interval` steps, by default at the end only."""
        interval = eval_interval or train_steps
        while (step := int(self.global_step.numpy())) < train_steps and not self._ended():
            self._target = min(train_steps, (step // interval + 1) * interval)
            self.train(self._target, checkpoint_at_completion=False)
            self.evaluate(eval_steps)
            self.save_checkpoint()

    def evaluate(self, steps: int = -1) -> dict[str, Any] | None:
        """Evaluates `steps` batches, by default all."""
        self._average_statistics()
        return super().evaluate(steps)

    def _average_statistics(self) -> None:
        """Gives all replicas the mean of their batch norm statistics, which are those of their own batches.

        The mean is what checkpoints contain. So it must be validated, and a run must go on with it as one that is
        resumed does, or the two are rounded differently.
        """
        if self.strategy.num_replicas_in_sync > 1:
            optimizer = self.trainer.optimizer
            for variable in self.trainer.model.non_trainable_variables:
                variable.assign(variable.read_value())
                if isinstance(optimizer, optimization.ExponentialMovingAverage):
                    # TensorFlow takes these for the same on all replicas, and would write those of the first.
                    average = optimizer.get_slot(variable, "average")
                    averages = self.strategy.run(average.read_value)
                    average.assign(self.strategy.reduce(tf.distribute.ReduceOp.MEAN, averages, axis=None))

    def _maybe_save_checkpoint(self, check_interval: bool = True) -> bool:
        self._average_statistics()
        if check_interval and int(self.global_step.numpy()) == self._target:
            return False
        return super()._maybe_save_checkpoint(check_interval)
