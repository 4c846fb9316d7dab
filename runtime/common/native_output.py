"""Silence for native libraries that have no switch of their own."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import Iterator

_lock = threading.Lock()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Sends what native code writes to file descriptor 2 to nowhere while the block runs.

    For libraries such as libjpeg, and the interpreter's first words. The descriptor belongs to the
    whole process: keep the block short.
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
