"""A reader of FlatBuffers that trusts nothing in them.

Format: https://flatbuffers.dev/internals/ . A table begins with the signed distance back to its
vtable, which holds for each field the field's distance from the table, or 0 where it is absent.
Every access is checked against the ends of the data, and the sum of what is read is bounded, so
that no damaged file makes the reader crash, hang or fill memory.
"""

from __future__ import annotations

import struct
from typing import List, Optional, Union

import numpy as np

from runtime.common.errors import InputError

Data = Union[bytes, bytearray, memoryview]

# Detectors have a few thousand tables. A damaged file whose vectors all lead to each other would
# have any number of them.
MOST_TABLES = 100_000


class FlatBuffer:
    """The data of one FlatBuffer. `where` names it in error messages."""

    def __init__(self, data: Data, identifier: bytes, where: str) -> None:
        """Raises InputError unless `identifier` (4 bytes) stands where the format wants it."""
        self.data = memoryview(data)
        self.where = where
        # In a whole file hardly anything is read twice; offsets that all lead to one big string
        # would otherwise make a small file fill memory.
        self._budget = 4 * len(self.data) + 1024
        self._tables = 0
        if len(self.data) < 8 or bytes(self.data[4:8]) != identifier:
            raise InputError(f"{where}: not {identifier.decode()} data, or damaged")

    def root(self) -> Table:
        """The table that everything else hangs from."""
        return Table(self, self.unpack("<I", 0))

    def unpack(self, form: str, position: int) -> Union[int, float]:
        """One number at `position`."""
        if position < 0 or position + struct.calcsize(form) > len(self.data):
            raise self.damage(f"it points to byte {position} of {len(self.data)}")
        return struct.unpack_from(form, self.data, position)[0]

    def span(self, position: int, size: int) -> memoryview:
        """`size` bytes from `position`, not copied."""
        if position < 0 or size < 0 or position + size > len(self.data):
            raise self.damage(f"it wants {size} bytes at byte {position} of {len(self.data)}")
        return self.data[position : position + size]

    def spend(self, amount: int) -> None:
        """Counts what is read, and gives up on data that leads in circles."""
        self._budget -= amount
        if self._budget < 0:
            raise self.damage("its parts point to each other without end")

    def count_table(self) -> None:
        """Counts a table, and gives up on data that has them without end."""
        self._tables += 1
        if self._tables > MOST_TABLES:
            raise self.damage(f"it has more than {MOST_TABLES} tables")

    def damage(self, what: str) -> InputError:
        return InputError(f"{self.where}: damaged or cut short ({what}); get the file again")


class Table:
    """One table; fields are given by their number in the schema."""

    __slots__ = ("_buffer", "_position", "_vtable", "_vtable_size")

    def __init__(self, buffer: FlatBuffer, position: int) -> None:
        buffer.count_table()
        self._buffer = buffer
        self._position = position
        self._vtable = position - buffer.unpack("<i", position)
        self._vtable_size = buffer.unpack("<H", self._vtable)

    def number(self, field: int, form: str, default: Union[int, float] = 0) -> Union[int, float]:
        """A scalar; `form` is struct's letter for its type, such as "i" or "f"."""
        position = self._field(field)
        return default if position is None else self._buffer.unpack("<" + form, position)

    def text(self, field: int) -> str:
        """A string; empty where the field is absent."""
        data = self.data(field)
        self._buffer.spend(len(data))
        return bytes(data).decode("utf-8", errors="replace")

    def data(self, field: int) -> memoryview:
        """A vector of bytes, not copied; empty where the field is absent."""
        position = self._target(field)
        if position is None:
            return memoryview(b"")
        return self._buffer.span(position + 4, self._buffer.unpack("<I", position))

    def numbers(self, field: int, dtype: str) -> np.ndarray:
        """A vector of scalars of a NumPy type such as "<i4"; empty where the field is absent."""
        position = self._target(field)
        if position is None:
            return np.empty(0, dtype)
        size = self._buffer.unpack("<I", position) * np.dtype(dtype).itemsize
        self._buffer.spend(size)
        return np.frombuffer(self._buffer.span(position + 4, size), dtype).copy()

    def table(self, field: int) -> Optional[Table]:
        """The table of a field, or None where it is absent."""
        position = self._target(field)
        return None if position is None else Table(self._buffer, position)

    def tables(self, field: int) -> List[Table]:
        """A vector of tables; empty where the field is absent."""
        position = self._target(field)
        if position is None:
            return []
        count = self._buffer.unpack("<I", position)
        self._buffer.span(position + 4, 4 * count)
        slots = range(position + 4, position + 4 + 4 * count, 4)
        return [Table(self._buffer, slot + self._buffer.unpack("<I", slot)) for slot in slots]

    def _field(self, field: int) -> Optional[int]:
        entry = 4 + 2 * field
        if entry + 2 > self._vtable_size:
            return None
        offset = self._buffer.unpack("<H", self._vtable + entry)
        return self._position + offset if offset else None

    def _target(self, field: int) -> Optional[int]:
        position = self._field(field)
        return None if position is None else position + self._buffer.unpack("<I", position)
