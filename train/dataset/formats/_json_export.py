"""What the readers of the tools that export JSON have in common: finding the files, parsing them, the score."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from runtime.common.errors import InputError
from train.dataset.examples.assembly import Canvas
from train.dataset.examples.image_files import File, ImageFiles, walk
from train.dataset.examples.problems import Problems
from train.dataset.formats import Score, Splits
from train.dataset.tools import entries, json_files
from train.dataset.tools.entries import Entry
from train.dataset.tools.shapes import Sides
from train.files import untrusted_bytes, untrusted_json

_MAX_BYTES = 1 << 30
_LINES = (".jsonl", ".ndjson", ".manifest")


@dataclass(frozen=True)
class Source:
    """A file of an export as its reader gets it; `data` is the parsed JSON, of a file of lines that of one of them.

    `place` names it in messages. The reader counts what it leaves out, by kind, in `skipped`.
    """

    file: File
    data: Any
    place: str
    skipped: Counter[str]


@dataclass(frozen=True)
class Export:
    """A tool's export. `what` names it in messages, `is_ours` recognizes a file by the keys in it.

    `entries` gives the annotations in a source, `sides` the box of a shape in them. `suffixes` are those of its files;
    `lines` says that each line of a file is JSON of its own, whatever its suffix. `stems` gives the names of images by
    which the export is scored, where its files do not give them with their suffixes.
    """

    what: str
    is_ours: Callable[[frozenset[str]], bool]
    entries: Callable[[Source], Iterator[Entry]]
    sides: Callable[[Any, Canvas], Sides]
    suffixes: tuple[str, ...] = (".json",)
    lines: bool = False
    stems: Optional[Callable[[Any], set[str]]] = None
    as_shown: bool = False


def score(folder: Path, export: Export) -> Optional[Score]:
    """Returns how many images the files of the export name; None if there is no such file."""
    files = list(walk(folder))
    found = _sources(files, export)
    if not found:
        return None
    names = {name for file in found for name in _names(file, export)}
    return Score(ImageFiles(files, str(folder)).count_named(names), len(found), reason=f"{export.what}, {found[0].name}")


def read(folder: Path, export: Export) -> Splits:
    """Reads and checks the files of the export below `folder` and their images.

    Raises InputError if there are none, or if too many are bad.
    """
    files = list(walk(folder))
    found = _sources(files, export)
    if not found:
        raise InputError(f"{folder}: no file with {export.what} in it; give the folder with it and the images")
    problems = Problems()
    made = list(_entries(found, export, problems))
    train, validation, lines, test = entries.read(folder, files, made, export.sides, problems, export.as_shown)
    return Splits(train, validation, lines, test=test)


def _sources(files: list[File], export: Export) -> list[File]:
    return [file for file in files if export.is_ours(json_files.keys(file, export.suffixes))]


def _names(file: File, export: Export) -> set[str]:
    if export.stems is None:
        return json_files.image_names(file)
    try:
        return export.stems(untrusted_json.read(file.path, str(file.name)))
    except InputError:
        return set()


def _entries(found: list[File], export: Export, problems: Problems) -> Iterator[Entry | InputError]:
    skipped: Counter[str] = Counter()
    for file in found:
        for parsed in _parsed(file, export, skipped):
            if isinstance(parsed, InputError):
                yield parsed
            else:
                yield from entries.marking_skipped(export.entries(parsed), skipped)
    entries.note_skipped(skipped, problems)


def _parsed(file: File, export: Export, skipped: Counter[str]) -> Iterator[Source | InputError]:
    name = str(file.name)
    if not export.lines and file.suffix not in _LINES:
        try:
            yield Source(file, untrusted_json.read(file.path, name), name, skipped)
        except InputError as error:
            yield error
        return
    try:
        data = untrusted_bytes.read(file.path, name, _MAX_BYTES, "a file of annotations that memory is to hold")
    except InputError as error:
        yield error
        return
    if file.suffix == ".json" and (rows := _rows(data)):
        # People turn lines into a list.
        yield from (Source(file, row, f"{name}: [{index}]", skipped) for index, row in enumerate(rows))
        return
    for number, line in enumerate(data.splitlines(), 1):
        place = f"{name}: line {number}"
        if not line.strip():
            continue
        try:
            yield Source(file, json.loads(line), place, skipped)
        except (ValueError, RecursionError) as error:
            yield InputError(f"{place}: not JSON: {error}")


def _rows(data: bytes) -> list[Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return []
    return found if isinstance(found, list) else [found]
