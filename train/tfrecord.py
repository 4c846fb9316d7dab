"""The TFRecord container: length, its checksum, data, its checksum.

https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
"""

from __future__ import annotations

import struct
from typing import BinaryIO

import google_crc32c


def write(file: BinaryIO, record: bytes) -> None:
    """Appends one record to `file`."""
    length = struct.pack("<Q", len(record))
    file.write(length + struct.pack("<I", _masked_crc(length)))
    file.write(record)
    file.write(struct.pack("<I", _masked_crc(record)))


def _masked_crc(data: bytes) -> int:
    # TFRecord masks its CRC-32C so that a checksum of data that holds checksums stays a good one.
    crc = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
