"""Shards: files of records, each written by one process from start to end, wherever that runs.

The feature keys are those of the Object Detection API's `tf_example_decoder`.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import xxhash

from runtime.common.errors import InputError
from runtime.common.values import Labels
from train.dataset.examples import images
from train.dataset.examples.example import Example
from train.files import tf_example, tfrecord

# How many images, and how much of them, are in memory at a time.
_BATCH = 64
_BATCH_BYTES = 1 << 20


@dataclass(frozen=True)
class Shard:
    """The examples of one shard, as few large values, which go quickly to another process.

    `images` has (id, path, width, height, orientation, number of boxes) of each example. The boxes of
    all are one after the other: `sides` float64 [B, 4] (xmin, ymin, xmax, ymax) in pixels, `classes`
    int64 [B] from 0, `marks` uint8 [B, 2] (difficult, truncated).
    """

    images: list[tuple[str, str, int, int, int, int]]
    sides: np.ndarray
    classes: np.ndarray
    marks: np.ndarray
    labels: tuple[str, ...]


def names(count: int) -> Iterator[str]:
    """The file names of `count` shards."""
    return (f"examples-{shard:05d}-of-{count:05d}.tfrecord" for shard in range(count))


def shard(examples: Iterable[Example], labels: Labels) -> Shard:
    """The shard that holds `examples`."""
    numbers = {name: number for number, name in enumerate(labels)}
    images, sides, classes, marks = [], [], [], []
    for example in examples:
        for item in example.boxes:
            box = item.box
            sides += (box.xmin, box.ymin, box.xmax, box.ymax)
            classes.append(numbers[item.label])
            marks += (item.difficult, item.truncated)
        image = os.fspath(example.image)
        images.append((example.id, image, example.width, example.height, example.orientation, len(example.boxes)))
    return Shard(
        images,
        np.array(sides, np.float64).reshape(-1, 4),
        np.array(classes, np.int64),
        np.array(marks, np.uint8).reshape(-1, 2),
        labels.names,
    )


def read(path: str) -> bytes:
    """The bytes of an image file. Raises InputError where it cannot be read."""
    # open() does more than this needs, which counts for small images.
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            size = os.fstat(file).st_size
            data = os.read(file, size + 1)
            while len(data) < size and (more := os.read(file, size)):
                data += more
            return data
        finally:
            os.close(file)
    except OSError as error:
        raise InputError(f"{path}: cannot read the image: {error.strerror}") from error


def write(file: BinaryIO, shard: Shard, read: Callable[[str], bytes] = read) -> list[str]:
    """Writes the records of `shard` to `file`, which needs no buffer; gives the hash of each image (see `hash_of`).

    `read` gives the bytes of an image file.

    Boxes are given as shares of the sides; class numbers count from 1, for 0 is background. Raises
    InputError where an image has gone or changed since the data set was opened.
    """
    with tfrecord.Writer(file) as writer:
        return list(_write(writer, shard, read))


def _write(writer: tfrecord.Writer, shard: Shard, read: Callable[[str], bytes]) -> Iterator[str]:
    boxes, start = _Boxes(shard), 0
    waiting = list(reversed(shard.images))
    while waiting:
        # Some images are read, then some records made, then some written: by turns for each image,
        # its bytes would take the interpreter's place in the processor's cache, and the other way round.
        batch, size = [], 0
        while waiting and size < _BATCH_BYTES and len(batch) < _BATCH:
            image = waiting.pop()
            stored = read(image[1])
            size += len(stored)
            yield hash_of(stored)
            batch.append((image, stored))
        records = []
        for (id, path, width, height, orientation, count), stored in batch:
            data, format = images.encoded_bytes(stored, path, (width, height), orientation)
            tail = (
                tf_example.text_feature("image/filename", path.rpartition(os.sep)[2]),
                tf_example.text_feature("image/format", format),
                tf_example.int_feature("image/height", height),
                *boxes.features(start, start + count),
                tf_example.text_feature("image/source_id", id),
                tf_example.int_feature("image/width", width),
            )
            records.append(tf_example.encode_with_large_value("image/encoded", data, b"".join(tail)))
            start += count
        for record in records:
            writer.write(record)


def hash_of(stored: bytes) -> str:
    """128 bits of XXH3, which tell changed images from unchanged ones; no protection against forgery.

    SHA-256 takes longer than all the rest of writing a record.
    """
    return xxhash.xxh3_128_hexdigest(stored)


class _Boxes:
    """The features that are about boxes, worked out for all examples of a shard at once."""

    def __init__(self, shard: Shard) -> None:
        sizes = np.array([image[2:4] * 2 for image in shard.images], np.float64).reshape(-1, 4)
        counts = [image[5] for image in shard.images]
        shares = (shard.sides / np.repeat(sizes, counts, axis=0)).astype("<f4")
        self._xmin, self._ymin, self._xmax, self._ymax = (shares[:, column].tobytes() for column in range(4))
        self._difficult, self._truncated = (shard.marks[:, column].tobytes() for column in range(2))
        self._classes = shard.classes.tolist()
        self._numbers = [tf_example.varint(number) for number in range(1, len(shard.labels) + 1)]
        self._texts = [tf_example.delimited(name.encode()) for name in shard.labels]

    def features(self, start: int, end: int) -> tuple[bytes, ...]:
        """Those of the boxes from `start` to `end`, in the order of their keys."""
        count = end - start
        xmax, xmin, ymax, ymin, difficult, truncated = _prefixes(count)
        classes = self._classes[start:end]
        numbers = b"".join([self._numbers[number] for number in classes])
        texts = b"".join([self._texts[number] for number in classes])
        first, last = 4 * start, 4 * end
        return (
            xmax, self._xmax[first:last], xmin, self._xmin[first:last],
            ymax, self._ymax[first:last], ymin, self._ymin[first:last],
            _prefix("image/object/class/label", int, len(numbers)), numbers,
            tf_example.prefix("image/object/class/text", bytes, len(texts)), texts,
            difficult, self._difficult[start:end], truncated, self._truncated[start:end],
        )  # fmt: skip


@functools.lru_cache(maxsize=1024)
def _prefixes(count: int) -> tuple[bytes, ...]:
    """What stands before the sides and the marks of `count` boxes."""
    sides = (_prefix(f"image/object/bbox/{side}", float, 4 * count) for side in ("xmax", "xmin", "ymax", "ymin"))
    return *sides, *(_prefix(f"image/object/{mark}", int, count) for mark in ("difficult", "truncated"))


def _prefix(key: str, kind: type, size: int) -> bytes:
    return (tf_example.packed_prefix if size else tf_example.prefix)(key, kind, size)
