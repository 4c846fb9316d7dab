"""One process for each core."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def executor(workers: int) -> Executor:
    """`workers` processes; for one, a thread of this process, which is there at once."""
    if workers == 1:
        return ThreadPoolExecutor(1)
    # A fork of a process that has TensorFlow's threads can hang.
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
