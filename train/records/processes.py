"""Writing of shards by a pool of processes on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from itertools import islice
from pathlib import Path
from typing import TypeVar

from train.records import shards
from train.records.shards import Shard

Result = TypeVar("Result")


def run_jobs(
    pool: Executor, workers: int, task: Callable[..., Result], jobs: Iterable[tuple[object, ...]]
) -> Iterator[tuple[int, Result]]:
    """Yields (number of the job, result) of `task(*job)` for each of `jobs`, in the order of completion.

    At most two jobs per worker are taken from `jobs` ahead of their completion, so that few are in memory.
    After an error no further job is started.
    """
    numbered = enumerate(jobs)
    running: dict[Future[Result], int] = {}
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
    """Writes `shard` to the file `path`; returns a hash over the hashes of its images, and their number."""
    with path.open("wb", buffering=0) as file:
        hashes = shards.write(file, shard)
    return shards.hash_of("".join(hashes).encode()), len(hashes)


def hash_images(paths: list[str]) -> str:
    """Returns the hash that `write_shard` returns for a shard of the images at `paths`."""
    return shards.hash_of("".join(shards.hash_of(shards.read(path)) for path in paths).encode())
