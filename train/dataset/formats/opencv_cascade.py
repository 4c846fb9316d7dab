"""OpenCV's cascades: the list of positives that `opencv_annotation` writes, and lists of background images.

A line of positives is `path number x y width height x ...`, in pixels, in `info.dat`, `positives.txt` or the like. Lists of
background, such as `bg.txt` and `negatives.txt`, have a path a line. All boxes are of one class.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

from runtime.common.errors import InputError
from train.dataset.examples.assembly import Canvas
from train.dataset.examples.evidence import by_evidence
from train.dataset.examples.image_files import File, ImageFiles, quoted, walk
from train.dataset.examples.image_info import SUFFIXES
from train.dataset.examples.problems import Problems
from train.dataset.examples.split_names import split_of
from train.dataset.formats import Score, Splits
from train.dataset.tools import entries, shapes
from train.dataset.tools.entries import Entry, Item
from train.files import untrusted_bytes

_SUFFIXES = (".txt", ".dat", ".info", ".lst")
# Label files of YOLO, of which there are many, are not opened.
_NAMED = re.compile(r"pos|info|annot|label|train|test|object|data", re.IGNORECASE)
_BACKGROUND = re.compile(r"neg|bg|background", re.IGNORECASE)
_PATH = r"(\S.*?(?:" + "|".join(map(re.escape, SUFFIXES)) + "))"
_LINE = re.compile(_PATH + r"[ \t]+(\d{1,4})((?:[ \t]+-?\d{1,6}){4,})\s*", re.IGNORECASE)
_PATH_LINE = re.compile(_PATH + r"\s*", re.IGNORECASE)
_MAX_LINE = 1 << 16
_MAX_BYTES = 256 << 20
_CLASS = "object"


def score(folder: Path) -> Optional[Score]:
    """Returns how many images the lists of positives name; None if there is none."""
    files = list(walk(folder))
    found = _positives(files)
    if not found:
        return None
    names = {match[1] for file in found for _, line in _lines(file) if (match := _LINE.fullmatch(line))}
    count = ImageFiles(files, str(folder)).count_named(names)
    return Score(count, len(found), named=False, derived=True, reason=f"a list of OpenCV's cascades, {found[0].name}")


@by_evidence
def read(folder: Path) -> Splits:
    """Reads and checks the lists below `folder` and their images. Raises InputError if there are none, or too much is bad."""
    files = list(walk(folder))
    found = _positives(files)
    if not found:
        raise InputError(f"{folder}: no list with lines 'path number x y width height' in it; give the folder with it")
    problems = Problems()
    problems.add_note(f"{found[0].name}: lists have no classes; all boxes are called {_CLASS!r}")
    images = ImageFiles(files, str(folder))
    made = [entry for file in found for entry in _entries(file)]
    made += [entry for file in files if _has(file, _BACKGROUND, _PATH_LINE) for entry in _background(file, images)]
    train, validation, lines, test = entries.read(folder, files, made, _sides, problems)
    return Splits(train, validation, lines, test=test)


def _positives(files: list[File]) -> list[File]:
    return [file for file in files if _has(file, _NAMED, _LINE)]


def _has(file: File, name: re.Pattern[str], line: re.Pattern[str]) -> bool:
    """Returns True if the name of a list has `name` in it, and its first line is a `line`."""
    if file.suffix not in _SUFFIXES or not name.search(file.name.stem):
        return False
    try:
        with file.path.open(encoding="utf-8-sig") as opened:
            match = line.fullmatch(opened.readline(_MAX_LINE).strip())
    except (OSError, ValueError):
        return False
    return bool(match) and (line is not _LINE or _agrees(match))


def _agrees(match: Optional[re.Match[str]]) -> bool:
    return match is not None and len(match[3].split()) == 4 * int(match[2])


def _entries(file: File) -> Iterator[Entry | InputError]:
    for number, line in _lines(file):
        place = f"{file.name}: line {number}"
        match = _LINE.fullmatch(line)
        if match is None or not _agrees(match):
            yield InputError(f"{place} is not 'path number x y width height ...' with as many boxes as it says: {quoted(line)}")
            continue
        numbers = list(map(float, match[3].split()))
        boxes = zip(*(numbers[side::4] for side in range(4)))
        items = (Item(f"{place}: box {index}", _CLASS, box) for index, box in enumerate(boxes, 1))
        yield Entry(place, file.name, (match[1],), tuple(items), part=split_of(file.name))


def _background(file: File, images: ImageFiles) -> Iterator[Entry]:
    """Yields the images of a list of background that are in the folder: the others are mostly left out on purpose."""
    for number, line in _lines(file):
        match = _PATH_LINE.fullmatch(line)
        if match and images.has(match[1]):
            yield Entry(f"{file.name}: line {number}", file.name, (match[1],), ())


def _lines(file: File) -> Iterator[tuple[int, str]]:
    text = untrusted_bytes.read_text(file.path, str(file.name), _MAX_BYTES, "a list of images")
    yield from ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip())


def _sides(box: Any, _: Canvas) -> shapes.Sides:
    x, y, width, height = box
    return x, y, x + width, y + height
