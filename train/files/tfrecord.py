"""Reading and writing of TFRecord files.

Each record is its length, the length's checksum, the data and the data's checksum:
https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
"""

from __future__ import annotations

import io
import os
import struct
from typing import BinaryIO, Callable, Iterator, Sequence

import google_crc32c

_HEAD = struct.Struct("<QI")
HEAD_BYTES = _HEAD.size
_CRC_BYTES = 4
# One record is in memory at a time; no image is this large.
_MAX_RECORD = 1 << 30

# How much is collected before it is written; writev takes up to 1,024 parts on Linux.
_BUFFER_BYTES = 1 << 20
_MAX_PIECES = 1000


class Writer:
    """Appends records to `file`.

    The writer has a buffer of its own and copies no data, so `file` is best opened without a buffer.
    Used as a context manager it flushes at the end; it does not close the file.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._gathers = isinstance(file, io.FileIO) and hasattr(os, "writev")
        self._waiting: list[bytes] = []
        self._size = 0

    def write(self, pieces: Sequence[bytes]) -> None:
        """Appends one record, whose data is `pieces` joined."""
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
        """Writes the records that are still in the buffer."""
        pieces, self._waiting, self._size = self._waiting, [], 0
        written = os.writev(self._file.fileno(), pieces) if self._gathers and pieces else 0
        if written < sum(map(len, pieces)):
            # writev writes only a part when the disk is nearly full; writing the rest then raises OSError.
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
    """Yields the records of `file`, which has `size` bytes and is positioned at its start.

    Raises ValueError, naming the fault and the record, if the file is truncated, damaged, compressed, or
    not a TFRecord file.
    """
    for number, (_, length) in enumerate(_heads(file.read, size)):
        data = file.read(length)
        if _masked(google_crc32c.value(data)) != file.read(_CRC_BYTES):
            raise ValueError(f"is damaged in record {number}: its checksum is wrong")
        yield data


def places(file: BinaryIO, size: int) -> Iterator[tuple[int, int]]:
    """Yields (offset of the record, length of its data) for the records of `file`, which has `size` bytes.

    `file` is best opened without a buffer: only the heads of the records are read, so that a file of many large
    records takes as long as one of small ones. The data of a record begins `HEAD_BYTES` after its offset. Raises
    ValueError as `read` does, but for the checksums of the data.
    """

    def head(count: int) -> bytes:
        file.seek(at)
        return file.read(count)

    at = 0
    for offset, length in _heads(head, size):
        yield offset, length
        at = offset + HEAD_BYTES + length + _CRC_BYTES


def _heads(read: Callable[[int], bytes], size: int) -> Iterator[tuple[int, int]]:
    """Yields (offset, length) of each record. `read` gives the head of a record; the caller reads the rest of it."""
    at = number = 0
    while at < size:
        head = read(HEAD_BYTES)
        if at == 0 and head[:2] == b"\x1f\x8b":
            raise ValueError("is compressed; unpack it with gunzip")
        if len(head) < HEAD_BYTES:
            raise ValueError(f"is cut off in record {number}")
        length, _ = _HEAD.unpack(head)
        if _masked(google_crc32c.value(head[:8])) != head[8:]:
            raise ValueError(
                "is no TFRecord file" if at == 0 else f"is damaged at record {number}: its length is wrong"
            )
        end = at + HEAD_BYTES + length + _CRC_BYTES
        if end > size:
            raise ValueError(f"is cut off in record {number}")
        if length > _MAX_RECORD:
            raise ValueError(f"has {length >> 20} MiB in record {number}, which no image has")
        yield at, length
        at, number = end, number + 1


def _masked(crc: int) -> bytes:
    # TFRecord masks its CRC-32C, because a CRC of data that contains CRCs is weak.
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
