"""Shards written by the processes of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, wait
from itertools import islice
from pathlib import Path
from typing import Any

from train.records import shards
from train.records.shards import Shard


def run_jobs(pool: Executor, workers: int, task: Callable, jobs: Iterable[tuple]) -> Iterator[tuple[int, Any]]:
    """(number of the job, result) of `task(*job)` for each of `jobs`, in the order in which they end.

    Jobs are made when there is a worker for them, so that few of them are in memory at a time. After an
    error no further one begins.
    """
    numbered = enumerate(jobs)
    running = {}
    try:
        while True:
            for number, job in islice(numbered, 2 * workers - len(running)):
                running[pool.submit(task, *job)] = number
            if not running:
                return
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(done), done.result()
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise


def write_shard(path: Path, shard: Shard) -> tuple[str, int]:
    """Writes `shard` to the file `path`; gives a hash of the hashes of its images, and their number."""
    with path.open("wb", buffering=0) as file:
        hashes = shards.write(file, shard)
    return shards.hash_of("".join(hashes).encode()), len(hashes)


def hash_images(paths: list[str]) -> str:
    """The hash that `write_shard` gives for images at `paths`."""
    return shards.hash_of("".join(shards.hash_of(shards.read(path)) for path in paths).encode())
