"""Turns errors of disk and workers during training into one line that says how to go on."""

from __future__ import annotations

import contextlib
import errno
import re
from collections.abc import Iterator

import tensorflow as tf

from runtime.common.errors import KitError
from train.run.run_folder import RunFolder

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# TensorFlow's errors contain the text of the system's error only.
_FULL_TEXTS = ("No space left on device", "Disk quota exceeded", "File too large")
_WORKER_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
)


@contextlib.contextmanager
def as_kit_errors(run: RunFolder, workers: int = 1) -> Iterator[None]:
    """Context manager that raises KitError if the disk is full, or if one of several `workers` is lost."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise _full(run, error.strerror or str(error)) from error
    except tf.errors.OpError as error:
        texts = [text for text in _FULL_TEXTS if text in str(error)]
        if texts:
            raise _full(run, texts[0]) from error
        if workers > 1 and isinstance(error, _WORKER_LOST):
            # Leave out the names of TensorFlow's nodes.
            first_line = re.sub(r"\{\{.*?\}\}\s*", "", (str(error).splitlines() or [type(error).__name__])[0])
            raise KitError(f"a worker is gone: {first_line}; {_go_on(run, 'start all of them again')}") from error
        raise


def _full(run: RunFolder, reason: str) -> KitError:
    return KitError(f"{run.path}: cannot be written: {reason}; {_go_on(run, 'make room, then go on')}")


def _go_on(run: RunFolder, what: str) -> str:
    how = f"python -m train --resume {run.path}" if run.has_checkpoint else "there is no checkpoint yet, so from the start"
    return f"{what}: {how}"
