"""One process for each core."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def executor(workers: int) -> Executor:
    """`workers` processes; for one, a thread of this process, which is there at once.

    Ctrl-C reaches this process alone: it is the one to end the others, and they print nothing.
    """
    if workers == 1:
        return ThreadPoolExecutor(1)
    # A fork of a process that has TensorFlow's threads can hang.
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    with _interrupts_ignored():
        # Processes are started by the first tasks, and ignore from their first moment what this one does.
        for _ in range(workers):
            pool.submit(os.getpid)
    return pool


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
