"""The TFRecord container: length, its checksum, data, its checksum.

https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
"""

from __future__ import annotations

import struct
from typing import BinaryIO, Sequence

import google_crc32c


def write(file: BinaryIO, pieces: Sequence[bytes]) -> None:
    """Appends one record to `file`: `pieces`, joined."""
    length = struct.pack("<Q", sum(map(len, pieces)))
    crc = 0
    for piece in pieces:
        crc = google_crc32c.extend(crc, piece)
    file.write(length + _masked(google_crc32c.value(length)))
    file.writelines(pieces)
    file.write(_masked(crc))


def _masked(crc: int) -> bytes:
    # TFRecord masks its CRC-32C so that a checksum of data that holds checksums stays a good one.
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
