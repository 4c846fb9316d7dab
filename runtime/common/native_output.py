"""Silences native libraries that have no option for that."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import Iterator

_lock = threading.Lock()


@contextlib.contextmanager
def silence_native_output() -> Iterator[None]:
    """Discards what native code writes to file descriptor 2 (standard error) while the block runs.

    For libraries such as libjpeg, and for the messages of the interpreter as it loads. The descriptor belongs to the
    whole process, so messages of other threads are lost too: keep the block short.
    """
    with _lock:
        try:
            saved = os.dup(2)
        except OSError:
            yield
            return
        try:
            sink = os.open(os.devnull, os.O_WRONLY)
            os.dup2(sink, 2)
            os.close(sink)
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
