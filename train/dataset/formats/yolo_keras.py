"""The text files of keras-yolo3 and of Roboflow's "YOLO Keras" and "YOLO v4 PyTorch": one line for each image.

A line is `path xmin,ymin,xmax,ymax,class xmin,...`, in pixels, the class a number from 0; a line with only a path is a
background image. The names are those in `_classes.txt` or another list of names, the nearest one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

from runtime.common.errors import InputError
from train.dataset.examples.assembly import Canvas
from train.dataset.examples.evidence import by_evidence
from train.dataset.examples.image_files import File, ImageFiles, folder_proximity, quoted, walk
from train.dataset.examples.image_info import SUFFIXES
from train.dataset.examples.problems import Problems
from train.dataset.examples.split_names import split_of
from train.dataset.formats import Score, Splits
from train.dataset.tools import entries, shapes
from train.dataset.tools.entries import Entry, Item
from train.files import untrusted_bytes

# Label files of YOLO, of which there are many, are not opened.
_NAMED = re.compile(r"annotation|train|val|test|label|data", re.IGNORECASE)
_CLASSES = re.compile(r"class|names", re.IGNORECASE)
_PATH = r"(\S.*?(?:" + "|".join(map(re.escape, SUFFIXES)) + "))"
_NUMBER = r"-?\d{1,9}(?:\.\d{1,9})?"
_LINE = re.compile(_PATH + rf"((?:[ \t]+{_NUMBER}(?:,{_NUMBER}){{3}},\d{{1,6}})*)[ \t]*", re.IGNORECASE)
_EXAMINED = 50
_MAX_BYTES = 256 << 20


def score(folder: Path) -> Optional[Score]:
    """Returns how many images the text files name; None if there is none with boxes."""
    files = list(walk(folder))
    found = _sources(files)
    if not found:
        return None
    names = {match[1] for file in found for _, line in _lines(file) if (match := _LINE.fullmatch(line))}
    count = ImageFiles(files, str(folder)).count_named(names)
    return Score(count, len(found), named=False, reason=f"lines of keras-yolo3, {found[0].name}")


@by_evidence
def read(folder: Path) -> Splits:
    """Reads and checks the text files below `folder` and their images.

    Raises InputError if there is none, if nothing names the classes, or if too much is bad.
    """
    files = list(walk(folder))
    found = _sources(files)
    if not found:
        raise InputError(f"{folder}: no text file with lines 'path xmin,ymin,xmax,ymax,class' in it; give the folder with it")
    problems = Problems()
    made = [entry for file in found for entry in _entries(file, files)]
    train, validation, lines, test = entries.read(folder, files, made, _sides, problems)
    return Splits(train, validation, lines, test=test)


def _sources(files: list[File]) -> list[File]:
    return [file for file in files if file.suffix == ".txt" and _NAMED.search(file.name.name) and _is_ours(file)]


def _is_ours(file: File) -> bool:
    """Returns True if one of the first lines has a box, and all are a path and boxes."""
    try:
        with file.path.open(encoding="utf-8-sig") as opened:
            # A line at the limit is cut, and has many boxes.
            lines = [line.rstrip() for line in (opened.readline(1 << 16) for _ in range(_EXAMINED)) if line.strip()]
    except (OSError, ValueError):
        return False
    matches = [_LINE.fullmatch(line) for line in lines]
    return any(match and match[2] for match in matches) and all(matches)


def _entries(file: File, files: list[File]) -> Iterator[Entry | InputError]:
    source = _list_of(file, files)
    if source is None:
        raise InputError(
            f"{file.name}: its boxes have class numbers, and no _classes.txt or classes.txt names them: write one, a name a line"
        )
    text = untrusted_bytes.read_text(source.path, str(source.name), _MAX_BYTES, "a list of names")
    names = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    for number, line in _lines(file):
        place = f"{file.name}: line {number}"
        match = _LINE.fullmatch(line)
        if match is None:
            yield InputError(f"{place} is not 'path xmin,ymin,xmax,ymax,class ...': {quoted(line)}")
            continue
        boxes = [box.split(",") for box in match[2].split()]
        items = [Item(f"{place}: box {index}", _name(names, int(box[4])), box) for index, box in enumerate(boxes, 1)]
        yield Entry(place, file.name, (match[1],), tuple(items), part=split_of(file.name))


def _lines(file: File) -> Iterator[tuple[int, str]]:
    text = untrusted_bytes.read_text(file.path, str(file.name), _MAX_BYTES, "a file of annotations")
    yield from ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip())


def _list_of(file: File, files: list[File]) -> Optional[File]:
    """Returns the nearest list of class names."""
    lists = [other for other in files if other.suffix in (".txt", ".names") and _CLASSES.search(other.name.stem)]
    return max(lists, key=lambda other: (folder_proximity(file.name, other.name), str(other.name)), default=None)


def _name(names: list[str], number: int) -> str:
    return names[number] if number < len(names) else ""


def _sides(box: Any, _: Canvas) -> shapes.Sides:
    xmin, ymin, xmax, ymax = map(float, box[:4])
    return xmin, ymin, xmax, ymax
