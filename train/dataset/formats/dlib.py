"""dlib (http://dlib.net): the XML file of its labelling tool imglab, with the boxes of all images.

An `image` has `box` elements with top, left, width and height in pixels, and the class in `label`; boxes without one are
all of one class. Boxes marked `ignore` are no objects to learn, nor background.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional
from xml.etree.ElementTree import Element

from runtime.common.errors import InputError
from train.dataset.examples.assembly import Canvas
from train.dataset.examples.evidence import by_evidence
from train.dataset.examples.image_files import File, ImageFiles, quoted, walk
from train.dataset.examples.problems import Problems
from train.dataset.examples.split_names import split_of
from train.dataset.formats import Score, Splits
from train.dataset.tools import entries, shapes
from train.dataset.tools.entries import Entry, Item
from train.dataset.tools.json_files import number
from train.files import untrusted_xml

_HEAD_BYTES = 4096
_OURS = re.compile(rb"<dataset>.*<images>", re.DOTALL)
# 100,000 boxes have 10 MB.
_MAX_BYTES = 256 << 20
_NO_CLASS = "object"


def score(folder: Path) -> Optional[Score]:
    """Returns how many images the XML files of imglab name; None if there is no such file."""
    files = list(walk(folder))
    found = _sources(files)
    if not found:
        return None
    names = {name for file in found for name in _names(file)}
    return Score(ImageFiles(files, str(folder)).count_named(names), len(found), reason=f"XML of dlib's imglab, {found[0].name}")


@by_evidence
def read(folder: Path) -> Splits:
    """Reads and checks the XML files below `folder` and their images. Raises InputError if there are none, or too much is bad."""
    files = list(walk(folder))
    found = _sources(files)
    if not found:
        raise InputError(f"{folder}: no XML file of dlib's imglab in it; give the folder with it and the images")
    problems = Problems()
    train, validation, lines, test = entries.read(folder, files, list(_entries(found, problems)), _sides, problems)
    return Splits(train, validation, lines, test=test)


def _sources(files: list[File]) -> list[File]:
    return [file for file in files if file.suffix == ".xml" and _OURS.search(file.head(_HEAD_BYTES))]


def _names(file: File) -> set[str]:
    try:
        return {image.get("file", "") for image in _root(file).iter("image")}
    except InputError:
        return set()


def _root(file: File) -> Element:
    return untrusted_xml.read(file.path, str(file.name), _MAX_BYTES)


def _entries(found: list[File], problems: Problems) -> Iterator[Entry | InputError]:
    skipped: Counter[str] = Counter()
    unnamed = 0
    for file in found:
        try:
            root = _root(file)
        except InputError as error:
            yield error
            continue
        for image in root.iter("image"):
            written = image.get("file", "")
            place = f"{file.name}: {quoted(written)}"
            items = []
            for index, box in enumerate(image.findall("box"), 1):
                if box.get("ignore") == "1":
                    skipped["ignored box"] += 1
                    continue
                label = (box.findtext("label") or "").strip()
                unnamed += not label
                items.append(Item(f"{place}: box {index}", label or _NO_CLASS, box))
            unboxed = image.find("box") is not None and not items
            yield Entry(place, file.name, (written,), tuple(items), part=split_of(file.name), skipped=unboxed)
    entries.note_skipped(skipped, problems, "they are marked to be ignored")
    if unnamed:
        problems.add_note(f"{unnamed} boxes have no label and are called {_NO_CLASS!r}")


def _sides(box: Any, _: Canvas) -> shapes.Sides:
    left, top, width, height = (number(box.get(name), name) for name in ("left", "top", "width", "height"))
    return left, top, left + width, top + height
