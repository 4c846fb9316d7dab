"""Aligned columns of text."""

from __future__ import annotations

from typing import Iterable, Sequence


def aligned(rows: Iterable[Sequence[object]], indent: str = "  ") -> str:
    """One line a row, each column as wide as its widest cell; the last column may be of any length."""
    cells = [[str(cell) for cell in row] for row in rows]
    # A long last cell would push nothing aside, so it does not count.
    columns = max((len(row) for row in cells), default=0)
    widths = [
        max((len(row[i]) for row in cells if i < len(row) - 1), default=0) for i in range(columns)
    ]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths)) for row in cells)
    return "\n".join((indent + line).rstrip() for line in lines)
