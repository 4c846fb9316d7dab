"""Shards: the TFRecord files of a data set, each written by one process.

The feature keys are those of the Object Detection API's `tf_example_decoder`.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

import numpy as np
import xxhash

from runtime.common.errors import InputError
from runtime.common.values import Labels
from train.dataset.examples import images
from train.dataset.examples.example import Example
from train.files import tf_example, tfrecord

# Limits on the images in memory at a time: their number and their bytes.
_BATCH = 64
_BATCH_BYTES = 1 << 20


class ShardImage(NamedTuple):
    """The image of one example; `boxes` is the number of its boxes."""

    id: str
    path: str
    width: int
    height: int
    orientation: int
    boxes: int


@dataclass(frozen=True)
class Shard:
    """The examples of one shard, as few large values that are passed quickly to another process.

    The boxes of all images follow each other: `sides` float64 [B, 4] (xmin, ymin, xmax, ymax) in pixels,
    `classes` int64 [B] counting from 0, `marks` uint8 [B, 2] (difficult, truncated).
    """

    images: list[ShardImage]
    sides: np.ndarray
    classes: np.ndarray
    marks: np.ndarray
    labels: tuple[str, ...]


def names(count: int) -> Iterator[str]:
    """Returns the file names of `count` shards."""
    return (f"examples-{shard:05d}-of-{count:05d}.tfrecord" for shard in range(count))


def shard(examples: Iterable[Example], labels: Labels) -> Shard:
    """Returns the shard with `examples`."""
    numbers = {name: number for number, name in enumerate(labels)}
    images: list[ShardImage] = []
    sides: list[float] = []
    classes: list[int] = []
    marks: list[bool] = []
    for example in examples:
        for item in example.boxes:
            box = item.box
            sides += (box.xmin, box.ymin, box.xmax, box.ymax)
            classes.append(numbers[item.label])
            marks += (item.difficult, item.truncated)
        path = os.fspath(example.image)
        images.append(
            ShardImage(example.id, path, example.width, example.height, example.orientation, len(example.boxes))
        )
    return Shard(
        images,
        np.array(sides, np.float64).reshape(-1, 4),
        np.array(classes, np.int64),
        np.array(marks, np.uint8).reshape(-1, 2),
        labels.names,
    )


def read(path: str) -> bytes:
    """Returns the bytes of an image file. Raises InputError if it cannot be read."""
    # The functions of `os` are noticeably faster than open() for small images.
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
    """Writes the records of `shard` to `file` and returns the hash of each image (see `hash_of`).

    `file` needs no buffer. `read` returns the bytes of an image file. Boxes are normalized to the image's
    size; class numbers count from 1, since 0 is background. Raises InputError if an image was removed or
    changed since the data set was opened.
    """
    with tfrecord.Writer(file) as writer:
        return list(_write(writer, shard, read))


def _write(writer: tfrecord.Writer, shard: Shard, read: Callable[[str], bytes]) -> Iterator[str]:
    boxes, start = _Boxes(shard), 0
    waiting = list(reversed(shard.images))
    while waiting:
        # Reading, encoding and writing are done for a batch of images at a time. Done image by image, the
        # image's bytes and the interpreter's code would evict each other from the processor's cache.
        batch: list[tuple[ShardImage, bytes]] = []
        size = 0
        while waiting and size < _BATCH_BYTES and len(batch) < _BATCH:
            image = waiting.pop()
            stored = read(image.path)
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
    """Returns the XXH3 hash (128 bits, hexadecimal) that detects changed images; it does not protect against forgery.

    SHA-256 would take longer than the rest of writing a record.
    """
    digest: str = xxhash.xxh3_128_hexdigest(stored)
    return digest


class _Boxes:
    """The features of the boxes, computed for all examples of a shard at once."""

    def __init__(self, shard: Shard) -> None:
        sizes = np.array([(image.width, image.height) * 2 for image in shard.images], np.float64).reshape(-1, 4)
        counts = [image.boxes for image in shard.images]
        shares = (shard.sides / np.repeat(sizes, counts, axis=0)).astype("<f4")
        self._xmin, self._ymin, self._xmax, self._ymax = (shares[:, column].tobytes() for column in range(4))
        self._difficult, self._truncated = (shard.marks[:, column].tobytes() for column in range(2))
        self._classes = shard.classes.tolist()
        self._numbers = [tf_example.varint(number) for number in range(1, len(shard.labels) + 1)]
        self._texts = [tf_example.delimited(name.encode()) for name in shard.labels]

    def features(self, start: int, end: int) -> tuple[bytes, ...]:
        """Returns the features of the boxes from `start` to `end`, in the order of their keys."""
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
    """Returns the bytes before the sides and the marks of `count` boxes."""
    sides = (_prefix(f"image/object/bbox/{side}", float, 4 * count) for side in ("xmax", "xmin", "ymax", "ymin"))
    return *sides, *(_prefix(f"image/object/{mark}", int, count) for mark in ("difficult", "truncated"))


def _prefix(key: str, kind: type, size: int) -> bytes:
    return (tf_example.packed_prefix if size else tf_example.prefix)(key, kind, size)
