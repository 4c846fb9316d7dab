"""The newest checkpoint of training, to go on from."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from runtime.common.errors import InputError
from train.checkpoints import files, variables

# Where no number of steps is asked for, what a checkpoint costs is kept below a fiftieth of the time.
_SECONDS = 30.0
_TIMES_ITS_COST = 50


class LastCheckpoint(tf.train.CheckpointManager):
    """TensorFlow's manager, but for its way of writing: a killed process leaves whole files only.

    Args:
      checkpoint: what is kept; it gets `identity`, and `seconds`, how long training has taken.
      folder: where it is kept.
      source: where an earlier part of the run has left it.
      every: steps between checkpoints, or 0: half a minute, or as seldom as keeps the cost low.
    """

    def __init__(
        self,
        checkpoint: tf.train.Checkpoint,
        folder: Path,
        step: tf.Variable,
        initialise: Callable[[], None],
        *,
        identity: str,
        source: Path,
        every: int,
    ):
        # The interval that the library knows must not be 0, which it takes for "never".
        super().__init__(checkpoint, str(folder), 1, step_counter=step, checkpoint_interval=every or 1)
        self._folder = folder
        self._source = source
        self._every = every
        self._step = step
        self._initialise = initialise
        self._began = time.monotonic()
        self._saved_step = 0
        self._saved_at = time.monotonic()
        self._cost = 0.0
        checkpoint.identity = tf.Variable(identity)
        checkpoint.seconds = tf.Variable(0.0, dtype=tf.float64)

    @property
    def seconds(self) -> float:
        """How long training has taken so far, its earlier parts included."""
        return float(self.checkpoint.seconds.numpy()) + time.monotonic() - self._began

    def save(self, checkpoint_number=None, check_interval=True, options=None) -> str | None:
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
        prefix = files.newest(self._source)
        if prefix is None:
            self._initialise()
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
