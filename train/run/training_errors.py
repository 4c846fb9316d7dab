"""Failures from outside in the middle of training, as one line that says how to go on."""

from __future__ import annotations

import contextlib
import errno
import re
from collections.abc import Iterator

import tensorflow as tf

from runtime.common.errors import KitError
from train.run.run_folder import RunFolder

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# TensorFlow keeps the system's words only.
_FULL_WORDS = ("No space left on device", "Disk quota exceeded", "File too large")
_WORKER_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
)


@contextlib.contextmanager
def explained(run: RunFolder, workers: int = 1) -> Iterator[None]:
    """Makes a KitError of a full disk, and of another worker that is gone, within the block."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise _full(run, error.strerror) from error
    except tf.errors.OpError as error:
        words = [words for words in _FULL_WORDS if words in str(error)]
        if words:
            raise _full(run, words[0]) from error
        if workers > 1 and isinstance(error, _WORKER_LOST):
            # Without the names of TensorFlow's own nodes.
            first_line = re.sub(r"\{\{.*?\}\}\s*", "", (str(error).splitlines() or [type(error).__name__])[0])
            raise KitError(f"a worker is gone: {first_line}; {_go_on(run, 'start all of them again')}") from error
        raise


def _full(run: RunFolder, words: str) -> KitError:
    return KitError(f"{run.path}: cannot be written: {words}; {_go_on(run, 'make room, then go on')}")


def _go_on(run: RunFolder, what: str) -> str:
    how = f"python -m train --resume {run.path}" if run.has_checkpoint else "there is no checkpoint yet, so from the start"
    return f"{what}: {how}"
