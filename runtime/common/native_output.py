"""Silences native libraries that have no option for that."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import Iterator, Optional


class _Silence:
    """How many blocks are silent now, and where standard error goes when none is; None where there is no standard error."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks = 0
        self._saved: Optional[int] = None

    def begin(self) -> None:
        # The lock is not held for the whole block: what hangs in one, such as a file on a disk that is away, holds no other.
        with self._lock:
            self._blocks += 1
            if self._blocks > 1:
                return
            try:
                self._saved = os.dup(2)
            except OSError:
                return
            sink = os.open(os.devnull, os.O_WRONLY)
            os.dup2(sink, 2)
            os.close(sink)

    def end(self) -> None:
        with self._lock:
            self._blocks -= 1
            if self._blocks or self._saved is None:
                return
            os.dup2(self._saved, 2)
            os.close(self._saved)
            self._saved = None


_silence = _Silence()


@contextlib.contextmanager
def silence_native_output() -> Iterator[None]:
    """Discards what native code writes to file descriptor 2 (standard error) while the block runs.

    For libraries such as libjpeg, and for the messages of the interpreter as it loads. The descriptor belongs to the
    whole process, so messages of other threads are lost too, but within `messages_apart`: keep the block short.
    """
    _silence.begin()
    try:
        yield
    finally:
        _silence.end()


@contextlib.contextmanager
def messages_apart() -> Iterator[None]:
    """Lets `sys.stderr` write past descriptor 2 while the block runs, so that other threads may silence native code.

    Does nothing where `sys.stderr` is not that descriptor.
    """
    before = sys.stderr
    try:
        descriptor = os.dup(2) if before.fileno() == 2 else None
    except (OSError, ValueError, AttributeError):
        descriptor = None
    if descriptor is None:
        yield
        return
    # Not closed: a thread that hangs may still want to write when the block has ended.
    sys.stderr = open(descriptor, "w", buffering=1, encoding=before.encoding, errors=before.errors, closefd=False)  # noqa: SIM115
    try:
        yield
    finally:
        sys.stderr = before
