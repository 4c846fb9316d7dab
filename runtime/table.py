"""Tables of figures as aligned text."""

from __future__ import annotations

from typing import Container, Iterable, Sequence


def columns(rows: Iterable[Sequence[object]], left: Container[int] = (0,)) -> str:
    """One line a row, each column as wide as its widest cell: those of `left` to the left, figures to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells if i < len(row)) for i in range(max(map(len, cells), default=0))]
    lines = (
        "  ".join([cell.ljust(width) if i in left else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))])
        for row in cells
    )
    return "\n".join(line.rstrip() for line in lines)
