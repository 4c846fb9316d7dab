"""tf.train.Example in the protocol buffer wire format, without TensorFlow.

https://protobuf.dev/programming-guides/encoding; the messages are those of TensorFlow's
`core/example/example.proto` and `feature.proto`. Equal features give equal bytes: keys are sorted.
"""

from __future__ import annotations

import functools
import struct
from typing import Mapping, Sequence, Union

Values = Union[Sequence[bytes], Sequence[int], Sequence[float]]

_BYTES_LIST, _FLOAT_LIST, _INT64_LIST = 1, 2, 3


def encode(features: Mapping[str, tuple[type, Values]]) -> list[bytes]:
    """The bytes of a tf.train.Example, in pieces that the caller joins or writes one after the other.

    `features` maps each key to a type (`bytes`, `int` or `float`, which also says what an empty list
    is a list of) and its values; floats are kept as float32, ints as int64.
    """
    # Not joined, since each of the nested messages would copy the picture again.
    pieces: list[bytes] = []
    total = 0
    for key in sorted(features):
        kind, values = features[key]
        number, payload = _LISTS[kind](values)
        size = sum(map(len, payload))
        inner = _tag(number, size)
        head = _key(key) + _tag(2, len(inner) + size) + inner
        tag = _tag(1, len(head) + size)
        pieces += (tag, head, *payload)
        total += len(tag) + len(head) + size
    return [_tag(1, total), *pieces]


@functools.lru_cache(maxsize=256)
def _key(key: str) -> bytes:
    data = key.encode()
    return _tag(1, len(data)) + data


def _bytes_list(values: Sequence[bytes]) -> tuple[int, list[bytes]]:
    """The number of the field in `Feature`, and the pieces of its payload."""
    pieces = []
    for value in values:
        pieces += (_tag(1, len(value)), value)
    return _BYTES_LIST, pieces


def _float_list(values: Sequence[float]) -> tuple[int, list[bytes]]:
    return _FLOAT_LIST, _packed(struct.pack(f"<{len(values)}f", *values))


def _int64_list(values: Sequence[int]) -> tuple[int, list[bytes]]:
    return _INT64_LIST, _packed(b"".join(map(_varint, values)))


_LISTS = {bytes: _bytes_list, float: _float_list, int: _int64_list}


def _packed(data: bytes) -> list[bytes]:
    return [_tag(1, len(data)), data] if data else []


@functools.lru_cache(maxsize=4096)
def _tag(number: int, length: int) -> bytes:
    """What stands before a length-delimited field (wire type 2)."""
    return _varint(number << 3 | 2) + _varint(length)


@functools.lru_cache(maxsize=4096)
def _varint(value: int) -> bytes:
    # Negative int64 are written as their two's complement.
    value &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
