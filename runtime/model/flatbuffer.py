"""Reads untrusted FlatBuffers.

Format: https://flatbuffers.dev/internals/ . A table begins with the signed distance back to its vtable, which has for
each field the distance of the field from the table, or 0 where the field is absent. Every access is checked against
the bounds of the data, and the total amount read is limited, so that a damaged file cannot make the reader crash, hang
or exhaust memory.
"""

from __future__ import annotations

import struct
from typing import List, Optional, Union

import numpy as np

from runtime.common.errors import InputError

Data = Union[bytes, bytearray, memoryview]

# Detectors have a few thousand tables. In a damaged file, vectors that refer to each other would make any number.
MOST_TABLES = 100_000


class FlatBuffer:
    """The data of one FlatBuffer. `where` names it in error messages.

    All methods raise InputError where the data is damaged.
    """

    def __init__(self, data: Data, identifier: bytes, where: str) -> None:
        """Raises InputError unless bytes 4 to 7 of `data` are `identifier`."""
        self.data = memoryview(data)
        self.where = where
        # In an intact file hardly anything is read twice. Without a limit, many offsets to one long string would let a
        # small file exhaust memory.
        self._budget = 4 * len(self.data) + 1024
        self._tables = 0
        if len(self.data) < 8 or bytes(self.data[4:8]) != identifier:
            raise InputError(f"{where}: not {identifier.decode()} data, or damaged")

    def root(self) -> Table:
        """The root table."""
        return Table(self, self.integer("<I", 0))

    def integer(self, form: str, position: int) -> int:
        """The integer at `position`; `form` is its format for `struct`, such as "<I"."""
        return int(self._unpack(form, position))

    def real(self, form: str, position: int) -> float:
        """The floating-point number at `position`; `form` is its format for `struct`, such as "<f"."""
        return float(self._unpack(form, position))

    def span(self, position: int, size: int) -> memoryview:
        """`size` bytes from `position`, without copying."""
        if position < 0 or size < 0 or position + size > len(self.data):
            raise self.damage(f"it wants {size} bytes at byte {position} of {len(self.data)}")
        return self.data[position : position + size]

    def spend(self, amount: int) -> None:
        """Counts `amount` bytes as read; raises InputError when far more is read than the data holds."""
        self._budget -= amount
        if self._budget < 0:
            raise self.damage("its parts point to each other without end")

    def count_table(self) -> None:
        """Counts a table; raises InputError when there are more than MOST_TABLES."""
        self._tables += 1
        if self._tables > MOST_TABLES:
            raise self.damage(f"it has more than {MOST_TABLES} tables")

    def damage(self, what: str) -> InputError:
        """The error to raise for damaged data; `what` says what is wrong."""
        return InputError(f"{self.where}: damaged or cut short ({what}); get the file again")

    def _unpack(self, form: str, position: int) -> Union[int, float]:
        if position < 0 or position + struct.calcsize(form) > len(self.data):
            raise self.damage(f"it points to byte {position} of {len(self.data)}")
        number: Union[int, float] = struct.unpack_from(form, self.data, position)[0]
        return number


class Table:
    """One table. `field` is the number of a field in the schema."""

    __slots__ = ("_buffer", "_position", "_vtable", "_vtable_size")

    def __init__(self, buffer: FlatBuffer, position: int) -> None:
        buffer.count_table()
        self._buffer = buffer
        self._position = position
        self._vtable = position - buffer.integer("<i", position)
        self._vtable_size = buffer.integer("<H", self._vtable)

    def number(self, field: int, form: str, default: int = 0) -> int:
        """An integer; `form` is the letter of its type for `struct`, such as "i". `default` where it is absent."""
        position = self._field(field)
        return default if position is None else self._buffer.integer("<" + form, position)

    def real(self, field: int, default: float = 0.0) -> float:
        """A float32; `default` where the field is absent."""
        position = self._field(field)
        return default if position is None else self._buffer.real("<f", position)

    def text(self, field: int) -> str:
        """A string; empty where the field is absent."""
        data = self.data(field)
        self._buffer.spend(len(data))
        return bytes(data).decode("utf-8", errors="replace")

    def data(self, field: int) -> memoryview:
        """A vector of bytes, without copying; empty where the field is absent."""
        position = self._target(field)
        if position is None:
            return memoryview(b"")
        return self._buffer.span(position + 4, self._buffer.integer("<I", position))

    def numbers(self, field: int, dtype: str) -> np.ndarray:
        """A vector of scalars of the NumPy type `dtype`, such as "<i4"; empty where the field is absent."""
        position = self._target(field)
        if position is None:
            return np.empty(0, dtype)
        size = self._buffer.integer("<I", position) * np.dtype(dtype).itemsize
        self._buffer.spend(size)
        return np.frombuffer(self._buffer.span(position + 4, size), dtype).copy()

    def table(self, field: int) -> Optional[Table]:
        """A table; None where the field is absent."""
        position = self._target(field)
        return None if position is None else Table(self._buffer, position)

    def tables(self, field: int) -> List[Table]:
        """A vector of tables; empty where the field is absent."""
        position = self._target(field)
        if position is None:
            return []
        count = self._buffer.integer("<I", position)
        self._buffer.span(position + 4, 4 * count)
        slots = range(position + 4, position + 4 + 4 * count, 4)
        return [Table(self._buffer, slot + self._buffer.integer("<I", slot)) for slot in slots]

    def _field(self, field: int) -> Optional[int]:
        entry = 4 + 2 * field
        if entry + 2 > self._vtable_size:
            return None
        offset = self._buffer.integer("<H", self._vtable + entry)
        return self._position + offset if offset else None

    def _target(self, field: int) -> Optional[int]:
        position = self._field(field)
        return None if position is None else position + self._buffer.integer("<I", position)
