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
_KINDS = {bytes: _BYTES_LIST, float: _FLOAT_LIST, int: _INT64_LIST}


def encode(features: Mapping[str, tuple[type, Values]]) -> bytes:
    """The bytes of a tf.train.Example.

    `features` maps each key to a type (`bytes`, `int` or `float`, which also says what an empty list
    is a list of) and its values; floats are kept as float32, ints as int64.
    """
    entries = []
    for key in sorted(features):
        kind, values = features[key]
        if kind is bytes:
            payload = b"".join(map(delimited, values))
        elif kind is float:
            payload = struct.pack(f"<{len(values)}f", *values)
        else:
            payload = b"".join(map(varint, values))
        start = prefix if kind is bytes or not payload else packed_prefix
        entries += (start(key, kind, len(payload)), payload)
    return delimited(b"".join(entries))


def message(key: str, data: bytes, rest: bytes) -> tuple[bytes, bytes, bytes]:
    """As `encode`, in pieces to write one after the other, for a large value and what is made of the functions below.

    `data` is the one value of `key`, which comes first among the keys, and `rest` the others' entries in
    their order. So large data is copied by nobody.
    """
    inner = _tag(1, len(data))
    head = _prefix(key, _BYTES_LIST, len(inner) + len(data)) + inner
    return _tag(1, len(head) + len(data) + len(rest)) + head, data, rest


def text(key: str, value: str) -> bytes:
    """The entry of one text."""
    payload = delimited(value.encode())
    return prefix(key, bytes, len(payload)) + payload


@functools.lru_cache(maxsize=1 << 12)
def integer(key: str, value: int) -> bytes:
    """The entry of one whole number."""
    payload = varint(value)
    return packed_prefix(key, int, len(payload)) + payload


@functools.lru_cache(maxsize=1 << 14)
def packed_prefix(key: str, kind: type, size: int) -> bytes:
    """What stands before `size` bytes of numbers in the entry of `key`: float32, or varints where `kind` is int."""
    inner = _tag(1, size)
    return _prefix(key, _KINDS[kind], len(inner) + size) + inner


@functools.lru_cache(maxsize=1 << 14)
def prefix(key: str, kind: type, size: int) -> bytes:
    """What stands before `size` bytes of delimited values, or before nothing, in the entry of `key`."""
    return _prefix(key, _KINDS[kind], size)


def delimited(value: bytes) -> bytes:
    """One value of a list of bytes."""
    return _tag(1, len(value)) + value


def _prefix(key: str, number: int, size: int) -> bytes:
    name = key.encode()
    inner = _tag(number, size)
    head = _tag(1, len(name)) + name + _tag(2, len(inner) + size) + inner
    return _tag(1, len(head) + size) + head


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


@functools.lru_cache(maxsize=4096)
def _tag(number: int, length: int) -> bytes:
    """What stands before a length-delimited field (wire type 2)."""
    return varint(number << 3 | 2) + varint(length)


@functools.lru_cache(maxsize=4096)
def varint(value: int) -> bytes:
    """A number as seven bits a byte, the lowest first."""
    # Negative int64 are written as their two's complement.
    value &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
