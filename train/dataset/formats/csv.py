"""CSV: tables with one line per box, as read by the `generate_tfrecord.py` scripts for the Object Detection API.

The columns are filename, width, height, class, xmin, ymin, xmax, ymax (in pixels), in any order and possibly
with others, separated by commas, semicolons or tabs. There is one table (`labels.csv`) or one per split
(`train_labels.csv` and `test_labels.csv`, Roboflow's `train/_annotations.csv`); the images may lie anywhere in
the folder. A line with only a file name, and possibly a size, is a background image.
"""

from __future__ import annotations

import contextlib
import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Optional, TextIO

from runtime.common.errors import InputError
from train.dataset.examples.assembly import Assembler, labelled_box
from train.dataset.examples.evidence import by_evidence
from train.dataset.examples.example import Example, LabelledBox
from train.dataset.examples.image_files import File, ImageFiles, quoted, unique_ids, walk, with_siblings
from train.dataset.examples.problems import Problems
from train.dataset.examples.split_names import split_of
from train.dataset.examples.splits import assign_splits, by_split, group_by_split
from train.dataset.formats import Score, Splits

_BOX = ("class", "xmin", "ymin", "xmax", "ymax")
_NEEDED = ("filename", *_BOX)
_COLUMNS = ", ".join(_NEEDED)
_HEADER_BYTES = 4096
# A line has about a hundred characters; a longer one than this is not from a table of boxes.
_MAX_LINE = 1 << 16

Row = dict[str, str]


def score(folder: Path) -> Optional[Score]:
    """Returns how many images the tables below `folder` name; None if no CSV file has the required columns."""
    files = list(walk(folder))
    tables = [file for file in files if _has_columns(file)]
    if not tables:
        return None
    names = {written for table in tables for written in _file_names(table)}
    images = ImageFiles(files, str(folder))
    return Score(images.count_named(names), len(tables), derived=True, reason=f"{tables[0].name} has the columns {_COLUMNS}")


@by_evidence
def read(folder: Path) -> Splits:
    """Reads and checks the tables below `folder` and their images.

    Raises InputError if there are none, or if too many are bad.
    """
    files = list(walk(folder))
    tables = with_siblings([file for file in files if _has_columns(file)], files)
    if not tables:
        raise InputError(f"{folder}: no CSV file with the columns {_COLUMNS}; give the folder with it and the images")
    problems = Problems()
    images = ImageFiles(files, str(folder))
    entries = [entry for table in tables for entry in _entries(table, images, problems)]
    ids = unique_ids(entry.image.name for entry in entries if entry.image)
    assembler = Assembler(problems)
    examples = group_by_split((split_of(entry.table), entry.example(ids, assembler, problems)) for entry in entries)
    train, validation = assign_splits(examples, problems, by_split(table.name for table in tables))
    lines = problems.check_limits(str(folder), len(entries), assembler.boxes)
    return Splits(train, validation, lines)


class _Entry:
    """All lines of one image in one table; `image` is None if it is missing."""

    def __init__(self, table: Path, image: Optional[File]) -> None:
        self.table = table
        self.image = image
        self.lines: list[tuple[str, Row]] = []

    def example(self, ids: dict[Path, str], assembler: Assembler, problems: Problems) -> Optional[Example]:
        """Returns the example of the image; reports a problem and returns None if it cannot be used."""
        if self.image is None:
            return None
        location, first = self.lines[0]
        try:
            canvas = assembler.canvas(self.image, location, _size(first, location), split_of(self.table))
        except InputError as error:
            problems.add_file(str(error))
            return None

        def box(row: Row) -> LabelledBox:
            return labelled_box(canvas, row["class"], _sides(row))

        boxes = [(location, row) for location, row in self.lines if any(row[column] for column in _BOX)]
        return assembler.example(ids[self.image.name], canvas, f"{self.table}: {self.image.name}", boxes, box)


def _file_names(table: File) -> set[str]:
    """Returns the file names in a table, as far as it can be read."""
    names: set[str] = set()
    with contextlib.suppress(InputError):
        names.update(row["filename"] for _, row in _rows(table, Problems()))
    return names


def _entries(table: File, images: ImageFiles, problems: Problems) -> list[_Entry]:
    """Returns an entry for each file name, in the order of their first lines."""
    found: dict[str, _Entry] = {}
    for location, row in _rows(table, problems):
        written = row["filename"]
        if written not in found:
            image = None
            try:
                image = images.find(written, table.name, location)
            except InputError as error:
                problems.add_file(str(error))
            found[written] = _Entry(table.name, image)
        found[written].lines.append((location, row))
    return list(found.values())


def _rows(table: File, problems: Problems) -> Iterator[tuple[str, Row]]:
    """Yields (location for messages, row) of each line that is not empty; a row's keys are in lower case."""
    number = 1
    try:
        with table.path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(_short_lines(file), delimiter=_delimiter(file.readline(_HEADER_BYTES)), strict=True)
            file.seek(0)
            header = _names(next(reader, []))
            if not set(_NEEDED) <= set(header):
                raise InputError(f"{table.name}: not CSV with the columns {_COLUMNS}")
            for cells in reader:
                number = reader.line_num + 1
                location = f"{table.name}: line {reader.line_num}"
                if not any(map(str.strip, cells)):
                    continue
                if len(cells) < len(header):
                    problems.add_box(f"{location} has {len(cells)} cells under {len(header)} columns")
                    continue
                yield location, dict(zip(header, map(str.strip, cells)))
    except OSError as error:
        raise InputError(f"{table.name}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{table.name}: not UTF-8 text ({error}); save it as UTF-8") from error
    except (csv.Error, ValueError) as error:
        raise InputError(f"{table.name}: line {number}: not CSV ({error})") from error


def _short_lines(file: TextIO) -> Iterator[str]:
    while line := file.readline(_MAX_LINE):
        if len(line) == _MAX_LINE:
            raise ValueError(f"a line of more than {_MAX_LINE} characters")
        yield line


def _has_columns(file: File) -> bool:
    if file.suffix != ".csv":
        return False
    try:
        with file.path.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
            line = opened.readline(_HEADER_BYTES)
        return set(_NEEDED) <= set(_names(next(csv.reader([line], delimiter=_delimiter(line)), [])))
    except (OSError, csv.Error):
        return False


def _delimiter(header: str) -> str:
    """Returns the most frequent of comma, semicolon and tab in the header line."""
    return max(",;\t", key=header.count)


def _names(cells: list[str]) -> list[str]:
    return [cell.strip().lower() for cell in cells]


def _size(row: Row, location: str) -> tuple[float, float]:
    """Returns the (width, height) of the image in pixels; zeros if the line has none."""
    try:
        width, height = float(row.get("width") or 0), float(row.get("height") or 0)
    except ValueError:
        width, height = math.nan, math.nan
    if not (math.isfinite(width) and math.isfinite(height)):
        raise InputError(f"{location}: its width and height are no numbers of pixels")
    return width, height


def _sides(row: Row) -> tuple[float, float, float, float]:
    return _side(row, "xmin"), _side(row, "ymin"), _side(row, "xmax"), _side(row, "ymax")


def _side(row: Row, column: str) -> float:
    try:
        return float(row[column])
    except ValueError:
        raise ValueError(f"has {column}={quoted(row[column])}, which is not a number of pixels") from None
