"""Model Garden's experiment runner with this kit's loop and places for checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orbit
from official.core import train_lib

from train.run.run_folder import RunFolder
from train.training.best_checkpoint import BestCheckpoint
from train.training.last_checkpoint import LastCheckpoint
from train.training.task import DetectionTask

Action = Callable[[Mapping[str, Any]], None]


class Runner(train_lib.OrbitExperimentRunner):
    """Keeps the newest checkpoint in `checkpoints/last` and the best weights in `checkpoints/best`.

    `model_dir` is where it writes. What `run` holds already, it goes on from; `identity` is what a
    checkpoint says of itself. Training ends early after `patience` validations without a better AP.
    """

    def __init__(
        self, *, task: DetectionTask, run: RunFolder, identity: str, patience: int | None = None, **kwargs
    ):
        self.task = task
        self._run = run
        self._identity = identity
        self._patience = patience
        super().__init__(task=task, **kwargs)

    @property
    def step(self) -> int:
        """How many steps are done."""
        return int(self.trainer.global_step.numpy())

    @property
    def best_checkpoint(self) -> BestCheckpoint:
        return self.trainer.checkpoint_exporter

    def run(self) -> None:
        """Trains and validates to the end. A run that was at its end already is validated where it never was."""
        if self.task.validate_first and not self.step:
            with self.strategy.scope():
                self.controller.evaluate()
        super().run()
        if self.best_checkpoint.best is None:
            with self.strategy.scope():
                self.controller.evaluate()

    def _build_trainer(self, task: DetectionTask, train: bool, evaluate: bool):
        trainer = super()._build_trainer(task, train, evaluate)
        # Where a function makes variables when it is first called, TensorFlow traces it twice, half of
        # the time from start to first step; and a checkpoint can only be checked against what is there.
        with self.strategy.scope():
            trainer.optimizer._create_all_weights(trainer.model.trainable_variables)
        return trainer

    def _build_best_checkpoint_exporter(self) -> BestCheckpoint:
        return BestCheckpoint(
            RunFolder(Path(self.model_dir)).best,
            self.task,
            self.params.trainer.best_checkpoint_eval_metric,
            source=self._run.best,
        )

    def _maybe_build_checkpoint_manager(self) -> LastCheckpoint:
        return LastCheckpoint(
            self.trainer.checkpoint,
            RunFolder(Path(self.model_dir)).last,
            self.trainer.global_step,
            self.trainer.initialize,
            identity=self._identity,
            source=self._run.last,
            every=self.params.trainer.checkpoint_interval,
        )

    def _build_controller(
        self, trainer, evaluator, train_actions: Sequence[Action] = (), eval_actions: Sequence[Action] = (), **_
    ) -> Controller:
        """As the library does it, but for its actions: they would keep checkpoints of their own."""
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


class Controller(orbit.Controller):
    """Orbit's loop, validating at whole multiples of the interval wherever training began.

    Where a step is due for both, its checkpoint comes after its validation: a run that is resumed has
    missed none. `ended` is asked before each stretch whether training shall go on.
    """

    def __init__(self, *, ended: Callable[[], bool], **kwargs):
        self._ended = ended
        self._target = None
        super().__init__(**kwargs)

    def train_and_evaluate(self, train_steps: int, eval_steps: int = -1, eval_interval: int | None = None) -> None:
        while (step := int(self.global_step.numpy())) < train_steps and not self._ended():
            self._target = min(train_steps, (step // eval_interval + 1) * eval_interval)
            self.train(self._target, checkpoint_at_completion=False)
            self.evaluate(eval_steps)
            self.save_checkpoint()

    def evaluate(self, steps: int = -1):
        if self.strategy.num_replicas_in_sync > 1:
            # Each replica has statistics of its own batches; what is saved is their mean, and so that
            # is what must be validated.
            for variable in self.trainer.model.non_trainable_variables:
                variable.assign(variable.read_value())
        return super().evaluate(steps)

    def _maybe_save_checkpoint(self, check_interval: bool = True) -> bool:
        if check_interval and int(self.global_step.numpy()) == self._target:
            return False
        return super()._maybe_save_checkpoint(check_interval)
