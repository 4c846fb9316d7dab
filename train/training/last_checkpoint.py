"""The last checkpoint of training, which a run can be resumed from."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from runtime.common.errors import InputError
from train.checkpoints import files, variables
from train.training.model_garden_types import CheckpointManager

# Without a number of steps, checkpoints are written so seldom that they take less than a fiftieth of the time.
_SECONDS = 30.0
_TIMES_ITS_COST = 50


class LastCheckpoint(CheckpointManager):
    """A checkpoint manager that always leaves a complete checkpoint, even if the process is killed.

    Args:
      checkpoint: what is saved. The variables `identity` and `seconds` (the time that training has taken) are added.
      folder: where the checkpoint is written.
      step: the training step.
      initialize: called if there is no checkpoint to restore.
      identity: text that identifies the run (see `resume.identity`).
      source: where an earlier part of the run has left its checkpoint.
      every: steps between checkpoints. With 0, they are at least 30 seconds apart, and more if they take long to write.
    """

    def __init__(
        self,
        checkpoint: tf.train.Checkpoint,
        folder: Path,
        step: tf.Variable,
        initialize: Callable[[], None],
        *,
        identity: str,
        source: Path,
        every: int,
    ):
        # TensorFlow takes an interval of 0 for "never".
        super().__init__(checkpoint, str(folder), 1, step_counter=step, checkpoint_interval=every or 1)
        self._folder = folder
        self._source = source
        self._every = every
        self._step = step
        self._initialize = initialize
        self._began = time.monotonic()
        self._saved_step = 0
        self._saved_at = time.monotonic()
        self._cost = 0.0
        checkpoint.identity = tf.Variable(identity)
        checkpoint.seconds = tf.Variable(0.0, dtype=tf.float64)

    @property
    def seconds(self) -> float:
        """Time that training has taken so far, with its earlier parts."""
        return float(self.checkpoint.seconds.numpy()) + time.monotonic() - self._began

    def save(
        self, checkpoint_number: int | None = None, check_interval: bool = True, options: object = None
    ) -> str | None:
        """Writes a checkpoint if one is due, or without `check_interval` if there is a new step. Returns its prefix."""
        step = int(self._step.numpy())
        if step == self._saved_step or (check_interval and not self._due(step)):
            return None
        began = time.monotonic()
        self.checkpoint.seconds.assign(self.seconds)
        self._began = began
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=".ckpt") as temporary:
            written = self.checkpoint.write(os.path.join(temporary, "ckpt"))
            prefix = files.put(self._folder, written, step, update_state=True)
        self._saved_step, self._saved_at = step, time.monotonic()
        self._cost = self._saved_at - began
        return str(prefix)

    def restore_or_initialize(self) -> str | None:
        """Restores the last checkpoint and returns its prefix, or initializes the network and returns None.

        Raises InputError for a checkpoint that is damaged or has other variables.
        """
        prefix = files.newest(self._source)
        if prefix is None:
            self._initialize()
            return None
        try:
            self.checkpoint.read(str(prefix)).assert_consumed()
        except AssertionError as error:
            raise InputError(f"{prefix}: not a checkpoint of a run with these settings") from error
        except variables.UNREADABLE as error:
            raise variables.unreadable(prefix, error) from error
        self._saved_step = int(self._step.numpy())
        return str(prefix)

    def _due(self, step: int) -> bool:
        if self._every:
            return step >= self._saved_step + self._every
        return time.monotonic() - self._saved_at >= max(_SECONDS, _TIMES_ITS_COST * self._cost)
