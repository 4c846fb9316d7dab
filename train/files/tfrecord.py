"""The TFRecord container: length, its checksum, data, its checksum.

https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
"""

from __future__ import annotations

import io
import os
import struct
from typing import BinaryIO, Iterator, Sequence

import google_crc32c

_HEAD = struct.Struct("<QI")
# Held in memory one at a time; no image is as large.
_MAX_RECORD = 1 << 30

# What is collected before it is written; one call takes 1,024 pieces on Linux.
_BUFFER_BYTES = 1 << 20
_MAX_PIECES = 1000


class Writer:
    """Appends records to `file`, which is best opened without a buffer: this has its own, and copies nothing.

    As a context it writes what is left at its end; the file stays open.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._gathers = isinstance(file, io.FileIO) and hasattr(os, "writev")
        self._waiting: list[bytes] = []
        self._size = 0

    def write(self, pieces: Sequence[bytes]) -> None:
        """Appends one record: `pieces`, joined."""
        total = sum(map(len, pieces))
        size = struct.pack("<Q", total)
        crc = 0
        for piece in pieces:
            crc = google_crc32c.extend(crc, piece)
        self._waiting += (size, _masked(google_crc32c.value(size)), *pieces, _masked(crc))
        self._size += total
        if self._size > _BUFFER_BYTES or len(self._waiting) > _MAX_PIECES:
            self.flush()

    def flush(self) -> None:
        pieces, self._waiting, self._size = self._waiting, [], 0
        written = os.writev(self._file.fileno(), pieces) if self._gathers and pieces else 0
        if written < sum(map(len, pieces)):
            # Only a disk that is nearly full leaves something of what was gathered, and then raises here.
            rest = memoryview(b"".join(pieces))[written:]
            while rest:
                count = self._file.write(rest)
                rest = rest[len(rest) if count is None else count :]

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.flush()


def read(file: BinaryIO, size: int) -> Iterator[bytes]:
    """The records of `file`, which has `size` bytes and is read from its start, one at a time.

    Raises ValueError, saying what is wrong and in which record, where the file is cut off, damaged, or
    no TFRecord file.
    """
    at = number = 0
    while at < size:
        head = file.read(_HEAD.size)
        if at == 0 and head[:2] == b"\x1f\x8b":
            raise ValueError("is compressed; unpack it with gunzip")
        if len(head) < _HEAD.size:
            raise ValueError(f"is cut off in record {number}")
        length, _ = _HEAD.unpack(head)
        if _masked(google_crc32c.value(head[:8])) != head[8:]:
            raise ValueError(
                "is no TFRecord file" if at == 0 else f"is damaged at record {number}: its length is wrong"
            )
        at += _HEAD.size + length + 4
        if at > size:
            raise ValueError(f"is cut off in record {number}")
        if length > _MAX_RECORD:
            raise ValueError(f"has {length >> 20} MiB in record {number}, which no image has")
        data = file.read(length)
        if _masked(google_crc32c.value(data)) != file.read(4):
            raise ValueError(f"is damaged in record {number}: its checksum is wrong")
        yield data
        number += 1


def _masked(crc: int) -> bytes:
    # TFRecord masks its CRC-32C so that a checksum of data that holds checksums stays a good one.
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
