"""tf.train.Example in the protocol buffer wire format, without TensorFlow.

https://protobuf.dev/programming-guides/encoding; the messages are those of TensorFlow's
`core/example/example.proto` and `feature.proto`. Equal features give equal bytes: keys are sorted.
"""

from __future__ import annotations

import functools
import struct
from typing import Iterable, Mapping, Sequence, Union

Values = Union[Sequence[bytes], Sequence[int], Sequence[float]]

_BYTES_LIST, _FLOAT_LIST, _INT64_LIST = 1, 2, 3


def encode(features: Mapping[str, tuple[type, Values]]) -> bytes:
    """The bytes of a tf.train.Example.

    `features` maps each key to a type (`bytes`, `int` or `float`, which also says what an empty list
    is a list of) and its values; floats are kept as float32, ints as int64.
    """
    # Pieces are joined once at the end: each of the nested messages would copy the picture again.
    entries: list[bytes] = []
    for key in sorted(features):
        kind, values = features[key]
        entries += _field(1, [_key(key), *_field(2, _feature(kind, values))])
    return b"".join(_field(1, entries))


@functools.lru_cache(maxsize=256)
def _key(key: str) -> bytes:
    return b"".join(_field(1, [key.encode()]))


def _feature(kind: type, values: Values) -> list[bytes]:
    if kind is bytes:
        return _field(_BYTES_LIST, [piece for value in values for piece in _field(1, [value])])
    if kind is float:
        number, packed = _FLOAT_LIST, struct.pack(f"<{len(values)}f", *values)
    else:
        number, packed = _INT64_LIST, _varints(values)
    return _field(number, _field(1, [packed]) if packed else [])


def _field(number: int, pieces: Sequence[bytes]) -> list[bytes]:
    """A length-delimited field (wire type 2) whose payload is `pieces` joined."""
    return [_tag(number, sum(map(len, pieces))), *pieces]


@functools.lru_cache(maxsize=4096)
def _tag(number: int, length: int) -> bytes:
    return _varint(number << 3 | 2) + _varint(length)


def _varints(values: Iterable[int]) -> bytes:
    return b"".join(map(_varint, values))


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
