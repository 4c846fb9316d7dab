"""Writing of a data set as sharded TFRecords, into the cache for training or into a folder."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import shutil
import struct
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Optional

from tqdm.auto import tqdm

from runtime.common.errors import InputError, KitError
from runtime.common.values import Labels
from train.dataset.dataset import Dataset, write_labels
from train.dataset.examples.example import Example
from train.files import new_folder
from train.files.cache import cache_folder
from train.files.processes import cores, executor
from train.records import processes, record_cache
from train.records.shards import Shard, names, shard

# Increased whenever the same examples give other bytes.
_VERSION = 2
_MIN_SHARDS = 8
# Nanoseconds. File systems keep times in steps of up to two seconds.
_CLOCK_STEP = 2_000_000_000
_SHARD_BYTES = 128 << 20
# Writing less than this takes less time than starting a process.
_BYTES_A_PROCESS = 32 << 20

# The folders of a data set's training and validation records.
SPLIT_FOLDERS = ("train", "valid")


def build(
    examples: Sequence[Example],
    labels: Labels,
    *,
    cache: Optional[Path] = None,
    shards: Optional[int] = None,
    rehash: bool = False,
    progress: bool = True,
) -> tuple[Path, ...]:
    """Returns the TFRecord files of `examples` in the cache; writes them if they are not there.

    The cache key is a hash over the images' bytes, the boxes and the labels, so that a copy of the data in
    another folder shares the records. Images are hashed again only if the size or a time of change of one differs from
    the last time, or with `rehash`. The default number of `shards` depends on the amount of data and not
    on the machine, so that the same data gives the same bytes everywhere. The records are in use until this process
    ends (see `record_cache`). Raises InputError if an image was removed or changed since the data set was opened,
    KitError if the cache cannot be written.
    """
    root = (cache or cache_folder()) / "records"
    began = time.time_ns()
    stats = [_stat(example) for example in examples]
    sizes = [stat.st_size for stat in stats]
    count = _count(sizes, shards)
    fingerprint = _fingerprint(examples, labels, sizes, count)
    seen = _seen(examples, stats)
    known = [] if rehash else [path.parent for path in root.glob(f"{fingerprint}-*/{seen}")]
    for found in known:
        if record_cache.use(found):
            return tuple(found / name for name in names(count))
    # All images are hashed first only if records with the same annotations exist.
    if any(root.glob(f"{fingerprint}-*")):
        found = root / f"{fingerprint}-{_key(_hash_images(examples, count))}"
        if record_cache.use(found):
            _note(found / seen, stats, began)
            return tuple(found / name for name in names(count))
    try:
        root.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=root, prefix=".building-"))
        try:
            jobs = ((temporary / name, shard(examples[i::count], labels)) for i, name in enumerate(names(count)))
            target = root / f"{fingerprint}-{_key(_write(jobs, count, sum(sizes), len(examples), progress))}"
            new_folder.rename_into_place(temporary, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise KitError(f"{root}: cannot write the records: {error.strerror or error}") from error
    record_cache.use(target)
    _note(target / seen, stats, began)
    return tuple(target / name for name in names(count))


def prune(most: Optional[float] = None, cache: Optional[Path] = None) -> list[record_cache.Removed]:
    """Removes records from the cache that nothing has used for long; see `record_cache.prune`."""
    root = (cache or cache_folder()) / "records"
    return record_cache.prune(root, most) if root.is_dir() else []


def write(dataset: Dataset, out: Path, *, count: Optional[int] = None, progress: bool = True) -> None:
    """Writes the shards and labels of `dataset` to the folder `out`, completely or not at all.

    `count` is the number of shards per split; by default it depends on the amount of data. Raises
    InputError if `out` exists already, or an image was removed or changed.
    """
    with new_folder.new_folder(out) as folder:
        files = size = 0
        for part, examples in zip(SPLIT_FOLDERS, (dataset.train, dataset.validation)):
            (folder / part).mkdir()
            sizes = [_size(example) for example in examples]
            files, size = files + _count(sizes, count), size + sum(sizes)
        images = len(dataset.train) + len(dataset.validation)
        jobs = ((folder / name, shard) for name, shard in all_shards(dataset, count))
        _write(jobs, files, size, images, progress)
        write_labels(dataset.labels, folder)


def all_shards(dataset: Dataset, count: Optional[int] = None) -> Iterator[tuple[str, Shard]]:
    """Yields (path relative to the data set's folder, shard) of each shard; `count` as for `write`."""
    for part, examples in zip(SPLIT_FOLDERS, (dataset.train, dataset.validation)):
        number = _count([_size(example) for example in examples], count)
        for i, name in enumerate(names(number)):
            yield f"{part}/{name}", shard(examples[i::number], dataset.labels)


def _write(jobs: Iterable[tuple[Path, Shard]], files: int, size: int, images: int, progress: bool) -> list[str]:
    """Writes `files` shards and returns their hashes in order.

    `images` and `size` are the number and the total bytes of all images.
    """
    hashes = [""] * files
    workers = min(cores(), files, math.ceil(size / _BYTES_A_PROCESS) or 1)
    try:
        with (
            executor(workers) as pool,
            tqdm(total=images, desc="records", unit="image", disable=not progress, file=sys.stderr) as bar,
        ):
            for number, (hash, written) in processes.run_jobs(pool, workers, processes.write_shard, jobs):
                hashes[number] = hash
                bar.update(written)
    except BrokenProcessPool as error:
        raise KitError("a process that wrote records was ended from outside; is there too little memory?") from error
    return hashes


def _count(sizes: Sequence[int], wanted: Optional[int]) -> int:
    """Returns the number of shards for images of `sizes` bytes."""
    return min(wanted or max(_MIN_SHARDS, math.ceil(sum(sizes) / _SHARD_BYTES)), max(len(sizes), 1))


def _stat(example: Example) -> os.stat_result:
    try:
        return os.stat(example.image)
    except OSError as error:
        raise InputError(f"{example.image}: cannot read the image: {error.strerror}") from error


def _size(example: Example) -> int:
    return _stat(example).st_size


def _seen(examples: Sequence[Example], stats: Sequence[os.stat_result]) -> str:
    """Returns the name of the file that says that records are of images with these paths, sizes and times.

    The time of the last change of a file's status tells also of a change that leaves size and time as they were.
    """
    digest = hashlib.sha256()
    for example, stat in zip(examples, stats):
        numbers = stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns
        digest.update(repr((os.path.abspath(example.image), *numbers)).encode())
    return f"seen-{digest.hexdigest()[:32]}"


def _note(path: Path, stats: Sequence[os.stat_result], began: int) -> None:
    """Creates the file `path`, unless an image is so new that a change after `began` could leave its time as it is."""
    newest = max((max(stat.st_mtime_ns, stat.st_ctime_ns) for stat in stats), default=0)
    if newest < began - _CLOCK_STEP:
        with contextlib.suppress(OSError):
            path.touch()


def _fingerprint(examples: Sequence[Example], labels: Labels, sizes: list[int], shards: int) -> str:
    """Returns a hash of everything in the records except the images; of these it uses the sizes."""
    digest = hashlib.sha256(repr((_VERSION, shards, labels.names)).encode())
    for example, size in zip(examples, sizes):
        words = [example.id, example.image.name]
        numbers: list[float] = [example.width, example.height, example.orientation, size]
        for item in example.boxes:
            words.append(item.label)
            numbers += (*item.box.as_tuple(), item.difficult, item.truncated)
        digest.update(repr(words).encode())
        digest.update(struct.pack(f"<{len(numbers)}d", *numbers))
    return digest.hexdigest()[:16]


def _key(hashes: Sequence[str]) -> str:
    return hashlib.sha256("".join(hashes).encode()).hexdigest()[:32]


def _hash_images(examples: Sequence[Example], count: int) -> list[str]:
    """Returns the hashes that `_write` returns for the shards of `examples`."""
    workers = cores()
    # Threads suffice: reading and hashing release the interpreter's lock.
    with ThreadPoolExecutor(workers) as pool:
        jobs = (([str(example.image) for example in examples[i::count]],) for i in range(count))
        return [hash for _, hash in sorted(processes.run_jobs(pool, workers, processes.hash_images, jobs))]

