"""Process pools with one process for each core."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor


def cores() -> int:
    """Returns the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def executor(workers: int) -> Executor:
    """Returns a pool of `workers` processes; for one worker, a thread, which needs no start-up time.

    The processes ignore SIGINT: on Ctrl-C only this process is interrupted, and it ends the others.
    """
    if workers == 1:
        return ThreadPoolExecutor(1)
    # A forked copy of a process with TensorFlow's threads can hang, so processes are spawned.
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    with _interrupts_ignored():
        # The first tasks start the processes, which inherit the signals that this process ignores.
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
