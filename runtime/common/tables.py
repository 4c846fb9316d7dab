"""Formats tables as aligned text."""

from __future__ import annotations

from typing import Container, Iterable, List, Sequence


def columns(rows: Iterable[Sequence[object]], left: Container[int] = (0,)) -> str:
    """One line for each row, columns as wide as their widest cell; columns in `left` are left-aligned, others right."""
    cells = _cells(rows)
    return _lines(cells, _widths(cells), left)


def aligned(rows: Iterable[Sequence[object]], indent: str = "  ") -> str:
    """One indented line for each row, all columns left-aligned; the last cell of a row may have any length."""
    cells = _cells(rows)
    # Nothing stands to the right of the last cell, so its width does not count.
    widths = [*_widths([row[:-1] for row in cells]), 0]
    return _lines(cells, widths, range(len(widths)), indent)


def _cells(rows: Iterable[Sequence[object]]) -> List[List[str]]:
    return [[str(cell) for cell in row] for row in rows]


def _widths(rows: Sequence[Sequence[str]]) -> List[int]:
    count = max(map(len, rows), default=0)
    return [max(len(row[i]) for row in rows if i < len(row)) for i in range(count)]


def _lines(rows: Sequence[Sequence[str]], widths: Sequence[int], left: Container[int], indent: str = "") -> str:
    lines = (
        "  ".join([cell.ljust(width) if i in left else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))])
        for row in rows
    )
    return "\n".join((indent + line).rstrip() for line in lines)
