"""Sharded TFRecords with the feature keys of the Object Detection API, built once and cached."""

from __future__ import annotations

import hashlib
import math
import os
import shutil
import struct
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Iterator, Optional, Sequence

from tqdm import tqdm

from runtime.errors import InputError, KitError
from runtime.values import Box, Labels
from train import pictures, tf_example, tfrecord
from train.cache import cache_folder
from train.example import Example, LabelledBox
from train.parallel import cores, executor

# Changes whenever the same examples would give other bytes.
_VERSION = 1
_MIN_SHARDS = 8
_SHARD_BYTES = 128 << 20
# Less than this is written sooner than a process starts.
_BYTES_A_PROCESS = 32 << 20


def build(
    examples: Sequence[Example],
    labels: Labels,
    *,
    cache: Optional[Path] = None,
    shards: Optional[int] = None,
    progress: bool = True,
) -> tuple[Path, ...]:
    """The TFRecord files of `examples`, in the cache; built unless they are there already.

    They are found by a hash over the pictures' bytes, the boxes and the labels, so that a copy of the
    data elsewhere finds them too. The number of `shards` is, unless given, chosen from the amount of
    data and not from the machine: the same data gives the same bytes everywhere.
    Raises InputError where a picture has gone or changed since the data set was opened.
    """
    root = (cache or cache_folder()) / "records"
    sizes = [_size(example) for example in examples]
    count = min(shards or max(_MIN_SHARDS, math.ceil(sum(sizes) / _SHARD_BYTES)), max(len(examples), 1))
    fingerprint = _fingerprint(examples, labels, sizes, count)
    # Only where records of like annotations exist can a look at all pictures save writing them.
    if any(root.glob(f"{fingerprint}-*")):
        found = root / f"{fingerprint}-{_key(_hash_pictures(examples))}"
        if found.is_dir():
            return tuple(_paths(found, count))
    try:
        root.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=root, prefix=".building-"))
        try:
            hashes = _write_shards(examples, labels, temporary, count, sum(sizes), progress)
            target = root / f"{fingerprint}-{_key(hashes)}"
            _rename(temporary, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except BrokenProcessPool as error:
        raise KitError("a process that wrote records was ended from outside; is there too little memory?") from error
    except OSError as error:
        raise KitError(f"{root}: cannot write the records: {error.strerror or error}") from error
    return tuple(_paths(target, count))


def serialise(example: Example, labels: Labels) -> tuple[list[bytes], str]:
    """The tf.train.Example of `example` in pieces, and the SHA-256 of its picture file.

    Boxes are given as shares of the sides; class numbers count from 1, for 0 is background.
    """
    stored = pictures.read(example)
    digest = hashlib.sha256(stored)
    data, format = pictures.encoded(example, stored)
    key = digest if data is stored else hashlib.sha256(data)
    boxes = example.boxes
    name = example.picture.name.encode()
    features = {
        "image/encoded": (bytes, [data]),
        "image/format": (bytes, [format.encode()]),
        "image/height": (int, [example.height]),
        "image/width": (int, [example.width]),
        "image/filename": (bytes, [name]),
        "image/source_id": (bytes, [example.id.encode()]),
        "image/key/sha256": (bytes, [key.hexdigest().encode()]),
        "image/object/bbox/xmin": (float, [item.box.xmin / example.width for item in boxes]),
        "image/object/bbox/ymin": (float, [item.box.ymin / example.height for item in boxes]),
        "image/object/bbox/xmax": (float, [item.box.xmax / example.width for item in boxes]),
        "image/object/bbox/ymax": (float, [item.box.ymax / example.height for item in boxes]),
        "image/object/class/text": (bytes, [item.label.encode() for item in boxes]),
        "image/object/class/label": (int, [labels.index(item.label) + 1 for item in boxes]),
        "image/object/difficult": (int, [int(item.difficult) for item in boxes]),
        "image/object/truncated": (int, [int(item.truncated) for item in boxes]),
    }
    return tf_example.encode(features), digest.hexdigest()


def _write_shards(
    examples: Sequence[Example], labels: Labels, folder: Path, count: int, size: int, progress: bool
) -> list[str]:
    """Writes all shards and gives the hash of every picture, in the order of `examples`."""
    hashes = [""] * len(examples)
    workers = min(cores(), count, math.ceil(size / _BYTES_A_PROCESS) or 1)
    with executor(workers) as pool, tqdm(
        total=len(examples), desc="records", unit="picture", disable=not progress, file=sys.stderr
    ) as bar:
        tasks = {
            pool.submit(_write_shard, [_pack(example) for example in examples[shard::count]], labels, path): shard
            for shard, path in enumerate(_paths(folder, count))
        }
        try:
            for task in as_completed(tasks):
                shard = tasks[task]
                hashes[shard::count] = task.result()
                bar.update(len(hashes[shard::count]))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return hashes


def _write_shard(packed: Sequence[tuple], labels: Labels, path: Path) -> list[str]:
    hashes = []
    with path.open("wb") as file:
        for values in packed:
            record, digest = serialise(_unpack(values), labels)
            tfrecord.write(file, record)
            hashes.append(digest)
    return hashes


def _pack(example: Example) -> tuple:
    """`example` as plain values: sent to another process in a tenth of the time of the objects."""
    boxes = [(item.label, *item.box.as_tuple(), item.difficult, item.truncated) for item in example.boxes]
    return example.id, str(example.picture), example.width, example.height, example.orientation, boxes


def _unpack(values: tuple) -> Example:
    id, picture, width, height, orientation, packed = values
    boxes = tuple(LabelledBox(item[0], Box(*item[1:5]), *item[5:]) for item in packed)
    return Example(id, Path(picture), width, height, boxes, orientation)


def _size(example: Example) -> int:
    try:
        return example.picture.stat().st_size
    except OSError as error:
        raise InputError(f"{example.picture}: cannot read the picture: {error.strerror}") from error


def _fingerprint(examples: Sequence[Example], labels: Labels, sizes: list[int], shards: int) -> str:
    """A hash of all that goes into the records but the pictures, for which it takes their sizes."""
    digest = hashlib.sha256(repr((_VERSION, shards, labels.names)).encode())
    for example, size in zip(examples, sizes):
        words = [example.id, example.picture.name]
        numbers = [example.width, example.height, example.orientation, size]
        for item in example.boxes:
            words.append(item.label)
            numbers += (*item.box.as_tuple(), item.difficult, item.truncated)
        digest.update(repr(words).encode())
        digest.update(struct.pack(f"<{len(numbers)}d", *numbers))
    return digest.hexdigest()[:16]


def _key(hashes: Sequence[str]) -> str:
    return hashlib.sha256("".join(hashes).encode()).hexdigest()[:32]


def _hash_pictures(examples: Sequence[Example]) -> list[str]:
    hashes = [""] * len(examples)
    threads = cores()
    with ThreadPoolExecutor(threads) as pool:
        parts = pool.map(_hash_all, (examples[start::threads] for start in range(threads)))
        for start, part in enumerate(parts):
            hashes[start::threads] = part
    return hashes


def _hash_all(examples: Sequence[Example]) -> list[str]:
    return [hashlib.sha256(pictures.read(example)).hexdigest() for example in examples]


def _paths(folder: Path, count: int) -> Iterator[Path]:
    return (folder / f"examples-{shard:05d}-of-{count:05d}.tfrecord" for shard in range(count))


def _rename(folder: Path, target: Path) -> None:
    try:
        os.replace(folder, target)
    except OSError:
        # Another process may have been first; its folder has the same bytes.
        if not target.is_dir():
            raise
