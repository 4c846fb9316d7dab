"""CSV tables, one line a box, as the Object Detection API's many `generate_tfrecord.py` scripts read them.

The columns are filename, width, height, class, xmin, ymin, xmax, ymax, in any order and among others;
commas, semicolons or tabs between them. One table (`labels.csv`), or one a part (`train_labels.csv` and
`test_labels.csv`, Roboflow's `train/_annotations.csv`), with the images anywhere in the folder.
A line with nothing but a file name, and perhaps its size, is an image of background.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

from runtime.common.errors import InputError
from train.dataset.examples.assembly import Assembler, assign_splits, group_by_split, labelled_box
from train.dataset.examples.example import Example, LabelledBox
from train.dataset.examples.image_files import File, ImageFiles, quoted, unique_ids, walk, with_siblings
from train.dataset.examples.problems import Problems
from train.dataset.examples.split_names import split_of
from train.dataset.formats import Splits

_SIDES = ("xmin", "ymin", "xmax", "ymax")
_BOX = ("class", *_SIDES)
_NEEDED = ("filename", *_BOX)
_COLUMNS = ", ".join(_NEEDED)
_HEADER_BYTES = 4096
# A line has some hundred characters; more than this is no table of boxes.
_MAX_LINE = 1 << 16

Row = dict[str, str]


def accepts(folder: Path) -> bool:
    """Whether a CSV file in `folder` has the needed columns."""
    return any(_has_columns(file) for file in walk(folder))


def read(folder: Path) -> Splits:
    """Reads and checks the tables below `folder` and the images that they name.

    Raises InputError where there are none, or where too many are bad.
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
    train, validation = assign_splits(examples, problems)
    lines = problems.check_limits(str(folder), len(entries), assembler.boxes)
    return Splits(train, validation, lines)


class _Entry:
    """All lines of one image in one table; `image` is None where it is missing."""

    def __init__(self, table: Path, image: Optional[File]) -> None:
        self.table = table
        self.image = image
        self.lines: list[tuple[str, Row]] = []

    def example(self, ids: dict[Path, str], assembler: Assembler, problems: Problems) -> Optional[Example]:
        if self.image is None:
            return None
        location, first = self.lines[0]
        try:
            canvas = assembler.canvas(self.image, location, _size(first, location))
        except InputError as error:
            problems.add_file(str(error))
            return None

        def box(row: Row) -> LabelledBox:
            return labelled_box(canvas, row["class"], _numbers(row))

        boxes = [(location, row) for location, row in self.lines if any(row[column] for column in _BOX)]
        return assembler.example(ids[self.image.name], canvas, f"{self.table}: {self.image.name}", boxes, box)


def _entries(table: File, images: ImageFiles, problems: Problems) -> list[_Entry]:
    """One entry for each file name, in the order of their first lines."""
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
    """Each line that has something in it, with its location for messages; columns by their names in lower case."""
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


def _short_lines(file) -> Iterator[str]:
    while line := file.readline(_MAX_LINE):
        if len(line) == _MAX_LINE:
            raise ValueError("a line without an end")
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
    """Whichever of comma, semicolon and tab stands most often in the first line."""
    return max(",;\t", key=header.count)


def _names(cells: list[str]) -> list[str]:
    return [cell.strip().lower() for cell in cells]


def _size(row: Row, location: str) -> tuple[float, float]:
    """What the line says of the image's size; zeros where it says nothing."""
    try:
        declared = tuple(float(row.get(column) or 0) for column in ("width", "height"))
    except ValueError:
        declared = (math.nan, math.nan)
    if not all(map(math.isfinite, declared)):
        raise InputError(f"{location}: its width and height are no numbers of pixels")
    return declared


def _numbers(row: Row) -> tuple[float, float, float, float]:
    sides = []
    for column in _SIDES:
        try:
            sides.append(float(row[column]))
        except ValueError:
            raise ValueError(f"has {column}={quoted(row[column])}, which is not a number of pixels") from None
    return tuple(sides)
