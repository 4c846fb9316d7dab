"""Encoding and decoding of tf.train.Example in the protocol buffer wire format, without TensorFlow.

The wire format: https://protobuf.dev/programming-guides/encoding. The messages are those of TensorFlow's
`core/example/example.proto` and `feature.proto`. Keys are sorted, so that equal features give equal bytes.
"""

from __future__ import annotations

import functools
import struct
from typing import Iterator, List, Mapping, Sequence, Tuple, Type, Union, cast

# The values to encode, with their type; an empty list needs it too.
Feature = Union[
    Tuple[Type[bytes], Sequence[bytes]], Tuple[Type[int], Sequence[int]], Tuple[Type[float], Sequence[float]]
]
# Decoded values: views of bytes, int64 or float32.
Values = Union[List[memoryview], List[int], List[float]]

# Wire types.
_VARINT, _FIXED64, _DELIMITED, _FIXED32 = 0, 1, 2, 5
# Field numbers of `Feature`.
_BYTES_LIST, _FLOAT_LIST, _INT64_LIST = 1, 2, 3
_OTHER_KIND = "a list has values of another kind"
_KINDS: dict[type, int] = {bytes: _BYTES_LIST, float: _FLOAT_LIST, int: _INT64_LIST}


def encode(features: Mapping[str, Feature]) -> bytes:
    """Returns the bytes of a tf.train.Example.

    `features` maps each key to a type (`bytes`, `int` or `float`) and a list of values of that type.
    Floats are stored as float32, ints as int64.
    """
    entries: list[bytes] = []
    for key in sorted(features):
        kind, values = features[key]
        if kind is bytes:
            payload = b"".join(map(delimited, cast("Sequence[bytes]", values)))
        elif kind is float:
            payload = struct.pack(f"<{len(values)}f", *values)
        else:
            payload = b"".join(map(varint, cast("Sequence[int]", values)))
        if kind is bytes or not payload:
            entries += (_prefix(key, _KINDS[kind], len(payload)), payload)
        else:
            inner = _tag(1, len(payload))
            entries += (_prefix(key, _KINDS[kind], len(inner) + len(payload)), inner, payload)
    return delimited(b"".join(entries))


def encode_with_large_value(key: str, data: bytes, rest: bytes) -> tuple[bytes, bytes, bytes]:
    """Encodes an example with one large value, which is not copied.

    `data` is the value of `key`, which must sort before all other keys. `rest` is the entries of the
    other keys in order, made with the functions below. Returns three parts to be written in order.
    """
    inner = _tag(1, len(data))
    head = _prefix(key, _BYTES_LIST, len(inner) + len(data)) + inner
    return _tag(1, len(head) + len(data) + len(rest)) + head, data, rest


def text_feature(key: str, value: str) -> bytes:
    """Returns the entry of a feature with one UTF-8 text."""
    payload = delimited(value.encode())
    return prefix(key, bytes, len(payload)) + payload


@functools.lru_cache(maxsize=1 << 12)
def int_feature(key: str, value: int) -> bytes:
    """Returns the entry of a feature with one int64."""
    payload = varint(value)
    return packed_prefix(key, int, len(payload)) + payload


@functools.lru_cache(maxsize=1 << 14)
def packed_prefix(key: str, kind: type, size: int) -> bytes:
    """Returns the bytes before a packed list of `size` bytes in the entry of `key`.

    `kind` is float for a list of float32, int for a list of varints.
    """
    inner = _tag(1, size)
    return _prefix(key, _KINDS[kind], len(inner) + size) + inner


@functools.lru_cache(maxsize=1 << 14)
def prefix(key: str, kind: type, size: int) -> bytes:
    """Returns the bytes before a list of `size` bytes of `delimited` values, or before an empty list."""
    return _prefix(key, _KINDS[kind], size)


def delimited(value: bytes) -> bytes:
    """Returns the encoding of one value of a list of bytes."""
    return _tag(1, len(value)) + value


def _prefix(key: str, number: int, size: int) -> bytes:
    name = key.encode()
    inner = _tag(number, size)
    head = _tag(1, len(name)) + name + _tag(2, len(inner) + size) + inner
    return _tag(1, len(head) + size) + head


def decode(data: bytes | memoryview) -> dict[str, Values]:
    """Returns the features of a serialized tf.train.Example; `data` may be untrusted.

    Values of type bytes are views into `data`. Raises ValueError if `data` is not such a message.
    """
    return {key: _values(feature) for key, feature in _entries(data)}


def integers(data: bytes | memoryview, key: str) -> list[int]:
    """Returns the values of the integer feature `key`, none if it is missing. Nothing else in `data` is decoded.

    Raises ValueError as `decode` does, and for values of another kind.
    """
    values: Values = []
    for name, feature in _entries(data):
        if name == key:
            values = _values(feature)
    if not all(isinstance(value, int) for value in values):
        raise ValueError(_OTHER_KIND)
    return cast("list[int]", values)


def _entries(data: bytes | memoryview) -> Iterator[tuple[str, memoryview]]:
    """Yields the key and the `Feature` message of each feature."""
    for message in _messages(memoryview(data), 1):
        for entry in _messages(message, 1):
            key, feature = "", memoryview(b"")
            for number, wire, value in _fields(entry):
                if isinstance(value, int) or wire != _DELIMITED:
                    continue
                if number == 1:
                    key = bytes(value).decode()
                elif number == 2:
                    feature = value
            yield key, feature


def _values(feature: memoryview) -> Values:
    values: Values = []
    for number, wire, message in _fields(feature):
        if isinstance(message, int) or wire != _DELIMITED:
            continue
        if number == _BYTES_LIST:
            values = _bytes_list(message)
        elif number == _FLOAT_LIST:
            values = _float_list(message)
        elif number == _INT64_LIST:
            values = _int64_list(message)
    return values


def _bytes_list(message: memoryview) -> list[memoryview]:
    values = []
    for number, wire, value in _fields(message):
        if number == 1:
            if isinstance(value, int) or wire != _DELIMITED:
                raise ValueError(_OTHER_KIND)
            values.append(value)
    return values


def _float_list(message: memoryview) -> list[float]:
    values: list[float] = []
    for number, wire, value in _fields(message):
        if number == 1:
            if isinstance(value, int) or wire == _FIXED64 or len(value) % 4:
                raise ValueError(_OTHER_KIND)
            values += struct.unpack(f"<{len(value) // 4}f", value)
    return values


def _int64_list(message: memoryview) -> list[int]:
    values: list[int] = []
    for number, wire, value in _fields(message):
        if number == 1:
            if isinstance(value, int):
                values.append(_signed(value))
            elif wire == _DELIMITED:
                values += _packed_ints(value)
            else:
                raise ValueError(_OTHER_KIND)
    return values


def _messages(data: memoryview, wanted: int) -> Iterator[memoryview]:
    for number, wire, value in _fields(data):
        if number == wanted and wire == _DELIMITED and not isinstance(value, int):
            yield value


def _fields(data: memoryview) -> Iterator[tuple[int, int, Union[int, memoryview]]]:
    """Yields (field number, wire type, value) of each field; the value is an int for a varint, else bytes."""
    at, end = 0, len(data)
    while at < end:
        tag, at = _read_varint(data, at)
        wire = tag & 7
        value: Union[int, memoryview]
        if wire == _VARINT:
            value, at = _read_varint(data, at)
        else:
            if wire == _DELIMITED:
                length, at = _read_varint(data, at)
            elif wire in (_FIXED64, _FIXED32):
                length = 8 if wire == _FIXED64 else 4
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
    """Returns the tag and the length before a length-delimited field."""
    return varint(number << 3 | 2) + varint(length)


@functools.lru_cache(maxsize=4096)
def varint(value: int) -> bytes:
    """Returns an int64 as a varint: seven bits a byte, lowest first."""
    # Negative numbers are written as their two's complement in 64 bits.
    value &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
