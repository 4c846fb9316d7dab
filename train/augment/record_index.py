"""Where the records of TFRecord files lie, so that each can be read by itself."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from runtime.common.errors import KitError
from train.files import tf_example, tfrecord

_AGAIN = "remove its folder; the next run writes the records again"


@dataclass(frozen=True)
class RecordIndex:
    """The records of several files in order.

    `files` are their paths. For each of N records, `file` int64 [N] is the index of its file, `offset` int64 [N] is
    where it begins there, in bytes, and `length` int64 [N] is the size of its data.
    """

    files: tuple[str, ...]
    file: np.ndarray
    offset: np.ndarray
    length: np.ndarray

    def read(self, number: tf.Tensor) -> tf.Tensor:
        """The data of record `number`, a string tensor. Its checksums are verified, as in any reading of TFRecords.

        This is for functions in `Dataset.map`. One record at a time is in memory.
        """
        variant = tf.raw_ops.TFRecordDatasetV2(
            filenames=tf.gather(self.files, tf.gather(self.file, number)),
            compression_type="",
            # Without a buffer, no bytes of the following records are read.
            buffer_size=tf.constant(0, tf.int64),
            byte_offsets=tf.gather(self.offset, number),
        )
        records = tf.data.experimental.from_variant(variant, tf.TensorSpec([], tf.string))
        return records.take(1).get_single_element()

    def integers(self, key: str) -> list[list[int]]:
        """The values of the integer feature `key` of each record. The images in the records are not read."""
        values: list[list[int]] = []
        for number, path in enumerate(self.files):
            chosen = self.file == number
            if chosen.any():
                places = zip(self.offset[chosen].tolist(), self.length[chosen].tolist())
                values += _integers(path, places, key)
        return values


def index(files: Sequence[str]) -> RecordIndex:
    """The index of the TFRecord files at the paths `files`. Raises KitError if one cannot be read or is damaged."""
    numbers: list[int] = []
    places: list[tuple[int, int]] = []
    for number, path in enumerate(files):
        try:
            with open(path, "rb", buffering=0) as file:
                found = list(tfrecord.places(file, Path(path).stat().st_size))
        except OSError as error:
            raise KitError(f"{path}: cannot read the records: {error.strerror}; {_AGAIN}") from error
        except ValueError as error:
            raise KitError(f"{path}: {error}; {_AGAIN}") from error
        numbers += [number] * len(found)
        places += found
    table = np.array(places, np.int64).reshape(-1, 2)
    return RecordIndex(tuple(files), np.array(numbers, np.int64), table[:, 0], table[:, 1])


def _integers(path: str, places: Iterable[tuple[int, int]], key: str) -> list[list[int]]:
    """The values of the feature `key` of the records at `places`, pairs (offset, length)."""
    with open(path, "rb") as file:
        # Of a mapped file only those pages are read that decoding looks at.
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    starts = ((offset + tfrecord.HEAD_BYTES, length) for offset, length in places)
    return [tf_example.integers(data[start : start + length], key) for start, length in starts]
