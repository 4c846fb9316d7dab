"""CSV: tables with one line per box, as labelling tools and the scripts around the Object Detection API write them.

Columns are known by their names (filename, class, xmin, ymin, xmax, ymax and many spellings, also corner and size, or
center and size) or, without a header, by their shape (Roboflow's RetinaNet CSV, Model Maker, AutoML, makesense.ai).
Coordinates are pixels or shares of the sides. There is one table, or one per split (`train_labels.csv`,
`train/_annotations.csv`), or a column with the split; the images may lie anywhere in the folder. A line with only
a file name, and possibly a size, is a background image.
"""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional, Union

from runtime.common.errors import InputError
from train.dataset.examples.assembly import Assembler, Canvas, labelled_box
from train.dataset.examples.evidence import by_evidence
from train.dataset.examples.example import Example, LabelledBox
from train.dataset.examples.image_files import File, ImageFiles, unique_ids, walk, with_siblings
from train.dataset.examples.problems import Problems
from train.dataset.examples.split_names import split_of, split_of_folder
from train.dataset.examples.splits import assign_splits, by_split, group_by_split, test_split
from train.dataset.formats import Score, Splits
from train.dataset.tables import class_names
from train.dataset.tables.layout import Sides, split_value
from train.dataset.tables.table import Table, fault, is_table, recognize
from train.dataset.tables.text import Lines

# The class of the boxes of a table without a column for it.
_ONLY_CLASS = "object"

# Two tables contradict each other if so many images that are in both, and this share of them, have other boxes in each.
_FEWEST_CONTRADICTED = 3
_CONTRADICTED = 0.5
# In pixels; that of shares of the sides is far below.
_ROUNDED = 2.0

_NO_NAMES = "class numbers taken for names, because no file such as classes.txt names them"


def score(folder: Path) -> Optional[Score]:
    """Returns how many images the tables below `folder` name; None if no table is one of boxes, or nearly one."""
    files = list(walk(folder))
    images = ImageFiles(files, str(folder))
    tables = [table for file in files if is_table(file) and (table := recognize(file, images.has))]
    if tables:
        names = {written for table in tables for written in _file_names(table)}
        return Score(images.count_named(names), len(tables), derived=True, reason=f"{tables[0].file.name} is a table of boxes")
    # So that the user reads what is missing, where nothing else is in the folder.
    faults = [reason for file in files if is_table(file) and (reason := fault(file, images.has))]
    return Score(0, len(faults), derived=True, reason=faults[0]) if faults else None


@by_evidence
def read(folder: Path) -> Splits:
    """Reads and checks the tables below `folder` and their images.

    Raises InputError if there are none, or if too many are bad.
    """
    files = list(walk(folder))
    images = ImageFiles(files, str(folder))
    problems = Problems()
    tables, empty = _tables(files, images, folder, problems)
    entries = _merged([entry for table in tables for entry in _Reader(table, images, files, problems).entries()], problems)
    if not entries:
        listed = " and ".join(str(table.file.name) for table in tables[:3])
        raise InputError(f"{listed}: nothing but a header, not one line with a box; make the tables of boxes again")
    ids = unique_ids(entry.image.name for entry in entries if entry.image)
    assembler = Assembler(problems)
    examples = group_by_split((entry.part, _example(entry, ids, assembler, problems)) for entry in entries)
    sources: dict[str, list[Path]] = by_split(empty)
    for table in tables:
        parts = {entry.part for entry in entries if entry.table == table.file.name} or {split_of(table.file.name)}
        for part in parts:
            sources.setdefault(part, []).append(table.file.name)
    try:
        train, validation = assign_splits(examples, problems, sources)
    except InputError:
        # What is wrong with the lines says more than that no image is left.
        problems.check_limits(str(folder), len(entries), assembler.boxes)
        raise
    lines = problems.check_limits(str(folder), len(entries), assembler.boxes)
    return Splits(train, validation, lines, test=test_split(examples, train))


@dataclass(slots=True)
class _Line:
    """A line of a table: its place for messages, its class, and its sides or the fault in them."""

    table: Path
    number: int
    label: str
    sides: Union[Sides, str]

    def __str__(self) -> str:
        return f"{self.table}: line {self.number}"


@dataclass
class _Entry:
    """All lines of one image in one part of a table; `image` is None if it is missing."""

    table: Path
    first: int
    image: Optional[File]
    size: Optional[tuple[float, float]]
    part: str = ""
    lines: list[_Line] = field(default_factory=list)
    groups: int = 0


def _tables(
    files: list[File], images: ImageFiles, folder: Path, problems: Problems
) -> tuple[list[Table], list[Path]]:
    """Returns the tables to read, and the names of the empty ones beside them for other splits.

    A table of the test split may have no boxes, which is noted. Raises InputError if there are no tables, or if one
    for another split is damaged.
    """
    candidates = [file for file in files if is_table(file)]
    found = {file.name: table for file in candidates if (table := recognize(file, images.has))}
    if not found:
        faults = [reason for file in candidates if (reason := fault(file, images.has))]
        listed = "; ".join(faults[:3]) or f"{folder}: no CSV file with the columns filename, class, xmin, ymin, xmax, ymax"
        raise InputError(f"{listed}; give the folder with a table of boxes and the images")
    tables, empty = [], []
    for file in with_siblings([table.file for table in found.values()], candidates):
        if file.name in found:
            tables.append(found[file.name])
        elif not any(True for _ in Lines(file)):
            empty.append(file.name)
        else:
            lacks = fault(file, images.has) or f"{file.name}: not CSV with the columns of {next(iter(found))}"
            if split_of(file.name) != "test":
                raise InputError(lacks)
            problems.add_note(f"the test part is not used: {lacks}")
    return tables, empty


class _Reader:
    """Reads the lines of a table."""

    def __init__(self, table: Table, images: ImageFiles, files: list[File], problems: Problems) -> None:
        self._table = table
        self._images = images
        self._files = files
        self._problems = problems
        self._name = table.file.name

    def entries(self) -> list[_Entry]:
        """Returns an entry for each file name and split, in the order of their first lines."""
        layout = self._table.layout
        comma = self._table.lines.separator != ","
        found: dict[tuple[str, str], _Entry] = {}
        for number, cells in self._table.rows():
            if len(cells) < layout.columns and not self._complete(cells, number):
                continue
            key = self._path(cells), cells[layout.split] if layout.split is not None and layout.split < len(cells) else ""
            entry = found.get(key)
            if entry is None:
                entry = found[key] = _Entry(self._name, number, self._find(key[0], number), layout.image_size(cells))
            if layout.group is not None and cells[layout.group].lower() in ("1", "true"):
                entry.groups += 1
            elif entry.image is not None:
                self._add(entry, number, cells, comma)
        self._assign_parts(found)
        entries = list(found.values())
        if layout.subset:
            entries = [entry for entry in entries if entry.image]
            if absent := len(found) - len(entries):
                self._problems.add_note(f"{self._name}: left out, because they are not in the folder: {absent} images")
        self._name_classes(entries)
        return entries

    def _complete(self, cells: list[str], number: int) -> bool:
        """Adds the cells that a short line of background lacks; reports other short lines and returns False."""
        layout = self._table.layout
        if len(cells) > layout.path and cells[layout.path] and sum(map(bool, cells)) == 1:
            cells += [""] * (layout.columns - len(cells))
            return True
        self._problems.add_box(f"{self._name}: line {number} has {len(cells)} cells under {layout.columns} columns")
        return False

    def _path(self, cells: list[str]) -> str:
        """Returns the image's path in a line, below the class's folder if that tells images of one name apart."""
        written, label = cells[self._table.layout.path], self._table.layout.label
        return written if label is None else self._images.below(cells[label], written)

    def _find(self, written: str, number: int) -> Optional[File]:
        try:
            return self._images.find(written, self._name, f"{self._name}: line {number}")
        except InputError as error:
            if not self._table.layout.subset:
                self._problems.add_file(str(error))
            return None

    def _add(self, entry: _Entry, number: int, cells: list[str], decimal_comma: bool) -> None:
        try:
            label, sides = self._table.layout.read(cells, decimal_comma)
        except ValueError as error:
            entry.lines.append(_Line(self._name, number, "", str(error)))
            return
        if sides is not None:
            entry.lines.append(_Line(self._name, number, sys.intern(label), sides))

    def _assign_parts(self, found: dict[tuple[str, str], _Entry]) -> None:
        """Sets the parts: by a column of splits, if its cells are all such, else by the table's name, else the image's folder."""
        values = {cell: split_value(cell) for cell in {cell for _, cell in found}}
        given = all(value is not None for value in values.values())
        default = split_of(self._name)
        for (_, cell), entry in found.items():
            part = values[cell] if given else ""
            entry.part = part or default or (split_of_folder(entry.image.name) if entry.image else "")

    def _name_classes(self, entries: list[_Entry]) -> None:
        """Replaces the numbers of classes by their names, if a file has these."""
        lines = [line for entry in entries for line in entry.lines if not isinstance(line.sides, str)]
        if self._table.layout.label is None:
            if lines:
                self._problems.add_note(f"{self._name}: has no column for classes; all boxes are called {_ONLY_CLASS!r}")
            for line in lines:
                line.label = _ONLY_CLASS
            return
        labels = {line.label for line in lines}
        names, source = class_names.names(labels, self._files)
        if source is None:
            if class_names.are_numbers(labels):
                self._problems.add_note(f"{self._name}: {_NO_NAMES}")
            return
        for line in lines:
            line.label = names[line.label]


def _merged(entries: Iterable[_Entry], problems: Problems) -> list[_Entry]:
    """Returns the entries with those of one image in one part put together, each box once.

    There may be a table for each class, or a copy of a table. Raises InputError if two tables contradict each other.
    """
    found: dict[tuple[Path, str], _Entry] = {}
    merged = []
    several = 0
    shared: Counter[tuple[Path, Path]] = Counter()
    contradicted: Counter[tuple[Path, Path]] = Counter()
    for entry in entries:
        if entry.image is None:
            merged.append(entry)
            continue
        first = found.setdefault((entry.image.path, entry.part), entry)
        if first is entry:
            merged.append(entry)
            continue
        if first.table != entry.table:
            several += 1
            shared[first.table, entry.table] += 1
            contradicted[first.table, entry.table] += _contradict(first.lines, entry.lines)
        known = {(line.label, line.sides) for line in first.lines}
        first.lines += [line for line in entry.lines if (line.label, line.sides) not in known]
        first.groups += entry.groups
    for (one, other), count in contradicted.items():
        if count >= _FEWEST_CONTRADICTED and count >= _CONTRADICTED * shared[one, other]:
            raise InputError(
                f"{one} and {other} give other boxes for {count} of the {shared[one, other]} images that are in both; remove one of them"
            )
    if several:
        problems.add_note(f"boxes of several tables put together, each once: {several} images")
    return merged


def _contradict(here: list[_Line], there: list[_Line]) -> bool:
    """Returns True if both have boxes of the same classes, and not one of these boxes is in both, up to rounding."""
    pairs = [
        (one.sides, other.sides)
        for one in here
        for other in there
        if one.label.casefold() == other.label.casefold() and not isinstance(one.sides, str) and not isinstance(other.sides, str)
    ]
    return bool(pairs) and not any(all(abs(a - b) <= _ROUNDED for a, b in zip(one, other)) for one, other in pairs)


def _example(entry: _Entry, ids: dict[Path, str], assembler: Assembler, problems: Problems) -> Optional[Example]:
    """Returns the example of an image; reports a problem and returns None if it cannot be used."""
    if entry.image is None:
        return None
    source = f"{entry.table}: line {entry.first}"
    try:
        canvas = assembler.canvas(entry.image, source, entry.size, entry.part)
    except InputError as error:
        problems.add_file(str(error))
        return None
    if entry.groups and not entry.lines:
        problems.add_note(f"{source}: left out, because all of its boxes are around groups of objects")
        return None
    items = ((str(line), line) for line in entry.lines)
    group = str(entry.table)
    return assembler.example(ids[entry.image.name], canvas, source, items, lambda line: _box(line, canvas), group)


def _box(line: _Line, canvas: Canvas) -> LabelledBox:
    if isinstance(line.sides, str):
        raise ValueError(line.sides)
    return labelled_box(canvas, line.label, line.sides)


def _file_names(table: Table) -> set[str]:
    """Returns the file names in a table, as far as it can be read."""
    names: set[str] = set()
    path = table.layout.path
    with contextlib.suppress(InputError):
        names.update(cells[path] for _, cells in table.rows() if len(cells) > path)
    return names
