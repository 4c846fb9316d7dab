"""Benchmark of writing records, compared with reading and hashing the same images."""

from __future__ import annotations

import hashlib
import math
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from runtime.common.tables import columns
from train.dataset.dataset import Dataset, read
from train.dataset.examples.example import Example
from train.files.cache import cache_folder
from train.files.processes import cores, executor
from train.records import processes, shards

ROUNDS = 4
# Large enough to make the start of tasks negligible; small data sets are processed more than once.
_BYTES_A_ROUND = 512 << 20


@dataclass(frozen=True)
class Rates:
    """Rates in images per second, medians over the rounds.

    `hashing` is reading and SHA-256, `writing` is writing records, both with `processes` processes;
    `opening` is reading the annotations and checking the images in one process. `ratio` is the median over
    the rounds of writing / hashing. `kilobytes` is the mean size of an image file.
    """

    hashing: float
    writing: float
    ratio: float
    opening: float
    processes: int
    kilobytes: float

    def table(self) -> str:
        """Returns the rates as a table, in images and megabytes per second."""
        rows = (
            (f"read and SHA-256, {self.processes} processes", self.hashing),
            (f"write records, {self.processes} processes", self.writing),
            ("open the data set, 1 process", self.opening),
        )
        cells = [
            (name, f"{rate:.0f}", "images/s", f"{rate * self.kilobytes / 1e3:.1f}", "MB/s") for name, rate in rows
        ]
        return columns([*cells, ("write / read and SHA-256", f"{self.ratio:.2f}")])


def measure(path: str | os.PathLike[str], dataset: Dataset, rounds: int = ROUNDS) -> Rates:
    """Measures hashing and writing, interleaved, in `rounds` rounds.

    `path` is the data set that is open as `dataset`. After the first pass the images come from the page
    cache if they fit, so that the processors are measured and not the disk. The records are written to the
    cache folder and removed.
    """
    began = time.perf_counter()
    read(path)
    examples = [*dataset.train, *dataset.validation]
    opening = len(examples) / (time.perf_counter() - began)
    size = sum(os.stat(example.image).st_size for example in examples)
    kilobytes = size / len(examples) / 1e3
    examples *= math.ceil(_BYTES_A_ROUND / size)
    workers = cores()
    hashing, writing = [], []
    with executor(workers) as pool, tempfile.TemporaryDirectory(dir=_folder()) as folder:
        timer = _Timer(pool, workers, examples, dataset, Path(folder))
        timer.hash()
        for _ in range(rounds):
            hashing.append(timer.hash())
            writing.append(timer.write())
    ratio = statistics.median(write / hash for hash, write in zip(hashing, writing))
    return Rates(statistics.median(hashing), statistics.median(writing), ratio, opening, workers, kilobytes)


class _Timer:
    """Times either task on all examples; returns images per second."""

    def __init__(
        self, pool: Executor, workers: int, examples: Sequence[Example], dataset: Dataset, folder: Path
    ) -> None:
        self._pool = pool
        self._workers = workers
        self._examples = examples
        self._labels = dataset.labels
        self._folder = folder
        self._count = 4 * workers

    def hash(self) -> float:
        """Reads and hashes all images."""
        parts = ((_paths(self._examples[start :: self._count]),) for start in range(self._count))
        return self._rate(_hash, parts)

    def write(self) -> float:
        """Writes the records of all examples."""
        parts = (
            (self._folder / name, shards.shard(self._examples[start :: self._count], self._labels))
            for start, name in enumerate(shards.names(self._count))
        )
        rate = self._rate(processes.write_shard, parts)
        for file in self._folder.iterdir():
            file.unlink()
        return rate

    def _rate(self, task: Callable[..., object], jobs: Iterable[tuple[object, ...]]) -> float:
        began = time.perf_counter()
        for _ in processes.run_jobs(self._pool, self._workers, task, jobs):
            pass
        return len(self._examples) / (time.perf_counter() - began)


def _hash(paths: list[str]) -> None:
    for path in paths:
        with open(path, "rb") as file:
            hashlib.sha256(file.read()).hexdigest()


def _paths(examples: Sequence[Example]) -> list[str]:
    return [str(example.image) for example in examples]


def _folder() -> Path:
    folder = cache_folder() / "records"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
