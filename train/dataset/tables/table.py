"""A table of boxes: a file whose columns are known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Optional

from train.dataset.examples.image_files import File
from train.dataset.examples.image_info import SUFFIXES
from train.dataset.tables.columns import by_names, lacking
from train.dataset.tables.layout import Layout
from train.dataset.tables.shapes import by_shape, images_column
from train.dataset.tables.text import Lines

_SUFFIXES = (".csv", ".tsv")
# keras-frcnn and its like have the same in a text file.
_TEXT = re.compile(r"annot|label|train|val|test|data|bbox|gt", re.IGNORECASE)
_TEXT_LINE = re.compile(rf"[^,]+(?:{'|'.join(map(re.escape, SUFFIXES))}),(?:-?\d+(?:\.\d+)?,){{4}}[^,]+", re.IGNORECASE)
_MAX_LINE = 1000
_SHOWN_COLUMNS = 12
# A table may begin with background images, whose lines show no columns.
_EXAMINED = 30


@dataclass(frozen=True)
class Table:
    """A table of boxes, and how it is read."""

    file: File
    lines: Lines
    layout: Layout

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yields (number of the line, cells) of each line after the header. Raises InputError as `Lines` does."""
        lines = iter(self.lines)
        if self.layout.header:
            next(lines, None)
        yield from lines


def is_table(file: File) -> bool:
    """Returns True if the file has the suffix of a table, or is text that begins with the line of one."""
    if file.suffix in _SUFFIXES:
        return True
    if file.suffix != ".txt" or not _TEXT.search(file.name.stem):
        return False
    try:
        with file.path.open(encoding="utf-8-sig") as opened:
            return bool(_TEXT_LINE.fullmatch(opened.readline(_MAX_LINE).strip()))
    except (OSError, ValueError):
        return False


def recognize(file: File, is_image: Callable[[str], bool]) -> Optional[Table]:
    """Returns the table in a file, None if it is none of boxes; `is_image` says if a cell is the name of an image."""
    lines = Lines(file)
    first = lines.first(_EXAMINED)
    if not first:
        return None
    layout = by_names(first[0]) or by_names(first[0], images_column(first[1:])) or by_shape(first, is_image)
    return None if layout is None else Table(file, lines, layout)


def fault(file: File, is_image: Callable[[str], bool]) -> str:
    """Returns what a table that was not recognized lacks, for a message; empty if it is about something else."""
    first = Lines(file).first(_EXAMINED)
    if not first:
        return ""
    lacks = lacking(first[0])
    if lacks:
        shown = ", ".join(first[0][:_SHOWN_COLUMNS])[:200]
        return f"{file.name} has no columns with {lacks} (its columns are {shown!r})"
    if any(map(is_image, first[0])):
        return (
            f"{file.name} has no header with filename, class, xmin, ymin, xmax, ymax, and its lines are not of a known shape,"
            " such as path,xmin,ymin,xmax,ymax,class"
        )
    return ""
