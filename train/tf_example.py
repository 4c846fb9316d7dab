"""tf.train.Example in the protocol buffer wire format, without TensorFlow.

https://protobuf.dev/programming-guides/encoding; the messages are those of TensorFlow's
`core/example/example.proto` and `feature.proto`. Equal features give equal bytes: keys are sorted.
"""

from __future__ import annotations

import functools
import struct
from typing import Iterator, Mapping, Sequence, Union

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


def decode(data: bytes) -> dict[str, Values]:
    """The features of a serialised tf.train.Example, which may come from anyone.

    Bytes are views into `data`. Raises ValueError where it is no such message.
    """
    features: dict[str, Values] = {}
    for message in _messages(memoryview(data), 1):
        for entry in _messages(message, 1):
            key, values = "", []
            for number, wire, value in _fields(entry):
                if (number, wire) == (1, 2):
                    key = bytes(value).decode()
                elif (number, wire) == (2, 2):
                    values = _values(value)
            features[key] = values
    return features


def _values(feature: memoryview) -> Values:
    values: list = []
    for number, wire, message in _fields(feature):
        if wire != 2 or number not in (_BYTES_LIST, _FLOAT_LIST, _INT64_LIST):
            continue
        values = []
        for inner, form, value in _fields(message):
            if inner != 1:
                continue
            if number == _BYTES_LIST and form == 2:
                values.append(value)
            elif number == _FLOAT_LIST and form in (2, 5) and len(value) % 4 == 0:
                values += struct.unpack(f"<{len(value) // 4}f", value)
            elif number == _INT64_LIST and form == 0:
                values.append(_signed(value))
            elif number == _INT64_LIST and form == 2:
                values += _packed_ints(value)
            else:
                raise ValueError("a list has values of another kind")
    return values


def _messages(data: memoryview, wanted: int) -> Iterator[memoryview]:
    return (value for number, wire, value in _fields(data) if (number, wire) == (wanted, 2))


def _fields(data: memoryview) -> Iterator[tuple[int, int, Union[int, memoryview]]]:
    """(field number, wire type, value) of each field: an int for a varint, else bytes."""
    at, end = 0, len(data)
    while at < end:
        tag, at = _read_varint(data, at)
        wire = tag & 7
        if wire == 0:
            value, at = _read_varint(data, at)
        else:
            if wire == 2:
                length, at = _read_varint(data, at)
            elif wire in (1, 5):
                length = 8 if wire == 1 else 4
            else:
                raise ValueError(f"a field of wire type {wire}")
            if length > end - at:
                raise ValueError("a field is cut off")
            value = data[at : at + length]
            at += length
        yield tag >> 3, wire, value


def _packed_ints(data: memoryview) -> list[int]:
    values, at = [], 0
    while at < len(data):
        value, at = _read_varint(data, at)
        values.append(_signed(value))
    return values


def _read_varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError("a number is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
    raise ValueError("a number of more than ten bytes")


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


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
