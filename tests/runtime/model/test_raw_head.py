from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pytest

from runtime.common.errors import InputError
from runtime.model.raw_head import RawHead

ANCHORS = np.array([[0.25, 0.5, 0.1, 0.2], [0.75, 0.5, 1.5, 0.3]], np.float32)
HEAD = RawHead(ANCHORS, 3, 1, 25, 0.25, 0.5, (10.0, 10.0, 5.0, 5.0), 512)
FIRST = replace(HEAD, candidates=0)
THIRD = replace(HEAD, first=0, scales=(1.0, 1.0, 1.0, 1.0), bins=8)


def test_the_layout_byte_for_byte():
    numbers = struct.pack("<4I", 2, 3, 1, 25) + struct.pack("<6f", 0.25, 0.5, 10, 10, 5, 5)
    anchors = struct.pack("<8f", *ANCHORS.ravel())
    assert HEAD.encode() == b"RAWH" + struct.pack("<I", 2) + numbers + struct.pack("<I", 512) + anchors
    assert len(HEAD.encode()) == 52 + 16 * 2
    assert FIRST.encode() == b"RAWH" + struct.pack("<I", 1) + numbers + anchors
    of_codes = struct.pack("<4I", 512, 8, 1, 0)
    without_background = struct.pack("<4I", 2, 3, 0, 25) + struct.pack("<6f", 0.25, 0.5, 1, 1, 1, 1)
    assert THIRD.encode() == b"RAWH" + struct.pack("<I", 3) + without_background + of_codes + anchors
    assert len(THIRD.encode()) == 64 + 16 * 2


@pytest.mark.parametrize("head", [THIRD, HEAD, FIRST], ids=["version 3", "version 2", "version 1"])
def test_it_reads_back(head):
    read = RawHead.parse(head.encode())
    assert np.array_equal(read.anchors, ANCHORS) and read.anchors.dtype == np.float32
    assert (read.classes, read.first, read.detections) == (3, head.first, 25)
    assert (read.score, read.iou, read.scales) == (0.25, 0.5, head.scales)
    assert (read.candidates, read.bins, read.points) == (head.candidates, head.bins, head is THIRD)
    assert read.columns == (32 if head is THIRD else 4)


def test_version_3_may_say_what_version_2_says():
    data = bytearray(replace(THIRD, scales=HEAD.scales, first=1).encode())
    struct.pack_into("<2I", data, 52, 0, 0)
    assert RawHead.parse(bytes(data)).encode() == HEAD.encode()


def changed(offset: int, kind: str, value, head: RawHead = HEAD) -> bytes:
    data = bytearray(head.encode())
    struct.pack_into(kind, data, offset, value)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "does not start"),
        (b"ZIPP" + HEAD.encode()[4:], "does not start"),
        (changed(4, "<I", 4), "version 4"),
        (changed(4, "<I", 3), "2 anchors do not fit"),
        (changed(4, "<I", 2, THIRD), "2 anchors do not fit"),
        (changed(48, "<I", 0, THIRD), "no sense"),
        (changed(52, "<I", 1, THIRD), "no sense"),
        (changed(52, "<I", 257, THIRD), "no sense"),
        (changed(52, "<I", 0, THIRD), "no sense"),
        (changed(56, "<I", 0, THIRD), "no sense"),
        (changed(56, "<I", 2, THIRD), "no sense"),
        (changed(60, "<I", 1, THIRD), "activation 1.* the sigmoid"),
        (changed(64, "<f", float("inf"), THIRD), "no sense"),
        (changed(4, "<I", 0), "version 0"),
        (changed(8, "<I", 3), "3 anchors do not fit"),
        (HEAD.encode()[:-1], "do not fit"),
        (HEAD.encode() + b"\0", "do not fit"),
        (changed(12, "<I", 0), "no sense"),
        (changed(16, "<I", 2), "no sense"),
        (changed(20, "<I", 0), "no sense"),
        (changed(24, "<f", float("nan")), "no sense"),
        (changed(28, "<f", 0), "no sense"),
        (changed(32, "<f", 0), "no sense"),
        (changed(44, "<f", float("nan")), "no sense"),
        (changed(48, "<I", 0), "no sense"),
        (changed(52, "<f", float("inf")), "no sense"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_damage_is_named(data, message):
    with pytest.raises(InputError, match=rf"part\.bin.*{message}"):
        RawHead.parse(data, "part.bin")
