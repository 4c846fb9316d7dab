"""Tables of figures as aligned text."""

from __future__ import annotations

from typing import Iterable, Sequence


def columns(rows: Iterable[Sequence[object]]) -> str:
    """One line a row, each column as wide as its widest cell: the first to the left, figures to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells if i < len(row)) for i in range(max(map(len, cells), default=0))]
    lines = (
        "  ".join([cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))])
        for row in cells
    )
    return "\n".join(line.rstrip() for line in lines)
