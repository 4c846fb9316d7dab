"""Supervisely: `img/NAME.jpg` and `ann/NAME.jpg.json` below each data set's folder, and `meta.json`.

Dataset Ninja's downloads are in this format. Objects are rectangles, polygons and bitmaps, whose boxes are used; lines,
points and graphs are left out. A data set's folder named `train`, `val` or `test` is that split.
https://docs.supervisely.com/customization-and-integration/00_ann_format_navi
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

from runtime.common.errors import InputError
from train.dataset.examples.assembly import Canvas
from train.dataset.examples.evidence import by_evidence
from train.dataset.examples.image_files import File, ImageFiles, quoted, walk
from train.dataset.examples.problems import Problems
from train.dataset.examples.split_names import split_of_folder
from train.dataset.formats import Score, Splits
from train.dataset.tools import entries, json_files, shapes
from train.dataset.tools.entries import Entry, Item
from train.dataset.tools.json_files import number, text
from train.files import untrusted_json

_KEYS = frozenset(("objects", "size"))
_BOXED = ("rectangle", "polygon", "bitmap")
_PNG_SIZE = slice(16, 24)


def score(folder: Path) -> Optional[Score]:
    """Returns how many images have an annotation of Supervisely; None if there is none."""
    files = list(walk(folder))
    found = _sources(files)
    if not found:
        return None
    images = ImageFiles(files, str(folder)).count_named(file.name.stem for file in found)
    return Score(images, len(found), reason=f"JSON files with objects, such as {found[0].name}")


@by_evidence
def read(folder: Path) -> Splits:
    """Reads and checks the annotations below `folder` and their images.

    Raises InputError if there are none, or if too many are bad.
    """
    files = list(walk(folder))
    found = _sources(files)
    if not found:
        raise InputError(f"{folder}: no annotation of Supervisely in it; give the folder with ann and img")
    problems = Problems()
    train, validation, lines, test = entries.read(folder, files, _entries(found, problems), _sides, problems)
    return Splits(train, validation, lines, test=test)


def _sources(files: list[File]) -> list[File]:
    return [file for file in files if file.name.parent.name == "ann" and json_files.keys(file) >= _KEYS]


def _entries(found: list[File], problems: Problems) -> Iterator[Entry | InputError]:
    skipped: Counter[str] = Counter()
    for file in found:
        try:
            yield _entry(file, skipped)
        except InputError as error:
            yield error
    entries.note_skipped(skipped, problems)


def _entry(file: File, skipped: Counter[str]) -> Entry:
    name = str(file.name)
    data = untrusted_json.read(file.path, name)
    if not isinstance(data, dict) or not isinstance(data.get("objects"), list):
        raise InputError(f"{name}: not an annotation of Supervisely: it has no list of objects")
    items = []
    for index, item in enumerate(json_files.dicts(data["objects"]), 1):
        if _kind(item) in _BOXED:
            items.append(Item(f"{name}: object {index}", text(item.get("classTitle")), item))
        else:
            skipped[quoted(_kind(item))] += 1
    # Old exports leave out the image's own suffix: NAME.json.
    image = f"../img/{file.name.stem}"
    unboxed = len(items) < len(data["objects"])
    return Entry(name, file.name, (image,), tuple(items), _size(data.get("size")), split_of_folder(file.name), unboxed)


def _kind(item: dict[str, Any]) -> str:
    """Returns the type of a shape; the first versions wrote none for a bitmap or a polygon."""
    return text(item.get("geometryType")) or ("bitmap" if isinstance(item.get("bitmap"), dict) else "polygon")


def _size(size: Any) -> Optional[tuple[float, float]]:
    try:
        return number(size.get("width"), "width"), number(size.get("height"), "height")
    except (ValueError, AttributeError):
        return None


def _sides(item: dict[str, Any], _: Canvas) -> shapes.Sides:
    if _kind(item) == "bitmap":
        return _bitmap(item.get("bitmap"))
    points = item.get("points")
    return shapes.around(shapes.pairs(points.get("exterior") if isinstance(points, dict) else None))


def _bitmap(bitmap: Any) -> shapes.Sides:
    """Returns the box of a mask: a PNG of just the object's size, deflated and in base64, and its origin."""
    if not isinstance(bitmap, dict):
        raise ValueError("has no bitmap")
    (x, y), *_ = shapes.pairs([bitmap.get("origin")])
    try:
        # Only the PNG's header is unpacked.
        head = zlib.decompressobj().decompress(base64.b64decode(text(bitmap.get("data"))), _PNG_SIZE.stop)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise ValueError(f"has a bitmap that cannot be read ({error})") from None
    if len(head) < _PNG_SIZE.stop or not head.startswith(b"\x89PNG"):
        raise ValueError("has a bitmap that is no PNG")
    width, height = int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    return x, y, x + width, y + height
