"""tf.train.Example in the protocol buffer wire format, without TensorFlow.

https://protobuf.dev/programming-guides/encoding; the messages are those of TensorFlow's
`core/example/example.proto` and `feature.proto`. Equal features give equal bytes: keys are sorted.
"""

from __future__ import annotations

import struct
from typing import Mapping, Sequence, Union

Feature = Union[Sequence[bytes], Sequence[int], Sequence[float]]

_BYTES_LIST, _FLOAT_LIST, _INT64_LIST = 1, 2, 3


def encode(features: Mapping[str, tuple[type, Feature]]) -> bytes:
    """The bytes of a tf.train.Example.

    `features` maps each key to a type (`bytes`, `int` or `float`, which also says what an empty list
    is a list of) and its values; floats are kept as float32, ints as int64.
    """
    entries = b"".join(_field(1, _entry(key, *features[key])) for key in sorted(features))
    return _field(1, entries)


def _entry(key: str, kind: type, values: Feature) -> bytes:
    return _field(1, key.encode()) + _field(2, _feature(kind, values))


def _feature(kind: type, values: Feature) -> bytes:
    if kind is bytes:
        return _field(_BYTES_LIST, b"".join(_field(1, value) for value in values))
    if kind is float:
        packed = struct.pack(f"<{len(values)}f", *values)
        return _field(_FLOAT_LIST, _field(1, packed) if packed else b"")
    packed = b"".join(_varint(value) for value in values)
    return _field(_INT64_LIST, _field(1, packed) if packed else b"")


def _field(number: int, payload: bytes) -> bytes:
    """A length-delimited field (wire type 2)."""
    return b"".join((_varint(number << 3 | 2), _varint(len(payload)), payload))


def _varint(value: int) -> bytes:
    # Negative int64 are written as their two's complement.
    value &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
