"""Edge Impulse (https://docs.edgeimpulse.com): `bounding_boxes.labels`, which an export has in each folder of images.

Its JSON has the boxes of each image by the image's name, in pixels from the top left corner. Images without boxes are not
in it, labelled or not, so that they are not used. `info.labels`, which repeats it with the part of each image, is read
where there is no other file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any, Optional

from train.dataset.examples.assembly import Canvas
from train.dataset.examples.evidence import by_evidence
from train.dataset.examples.split_names import split_of_folder
from train.dataset.formats import Score, Splits, _json_export
from train.dataset.formats._json_export import Export, Source
from train.dataset.tools import shapes
from train.dataset.tools.entries import Entry, Item
from train.dataset.tools.json_files import dicts, number, text


def score(folder: Path) -> Optional[Score]:
    """Returns how many images the files of Edge Impulse name; None if there is none."""
    return _json_export.score(folder, _BOXES) or _json_export.score(folder, _INFO)


@by_evidence
def read(folder: Path) -> Splits:
    """Reads and checks the files of Edge Impulse below `folder` and their images. Raises InputError if too much is bad."""
    return _json_export.read(folder, _INFO if _json_export.score(folder, _BOXES) is None else _BOXES)


def _has_boxes(keys: frozenset[str]) -> bool:
    return keys >= {"type", "boundingBoxes"} and "files" not in keys


def _has_files(keys: frozenset[str]) -> bool:
    return keys >= {"files", "path", "category", "boundingBoxes"}


def _boxes(source: Source) -> Iterator[Entry]:
    images = source.data.get("boundingBoxes") if isinstance(source.data, dict) else None
    for name, rows in images.items() if isinstance(images, dict) else ():
        yield _entry(source, name, rows, split_of_folder(source.file.name))


def _files(source: Source) -> Iterator[Entry]:
    for row in dicts(source.data.get("files") if isinstance(source.data, dict) else None):
        label = row.get("label")
        if row.get("boundingBoxes") or not (isinstance(label, dict) and label.get("type") == "unlabeled"):
            part = split_of_folder(PurePath(text(row.get("category")), "x"))
            yield _entry(source, text(row.get("path")), row.get("boundingBoxes"), part or split_of_folder(source.file.name))


def _entry(source: Source, name: str, rows: Any, part: str) -> Entry:
    place = f"{source.place}: {name[:80]!r}"
    items = (Item(f"{place}: box {index}", text(row.get("label")), row) for index, row in enumerate(dicts(rows), 1))
    return Entry(place, source.file.name, (name,), tuple(items), part=part)


def _sides(box: dict[str, Any], _: Canvas) -> shapes.Sides:
    x, y, width, height = (number(box.get(name), name) for name in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


_SUFFIXES = (".labels", ".json")
_BOXES = Export("the boxes of Edge Impulse", _has_boxes, _boxes, _sides, _SUFFIXES)
_INFO = Export("the files of Edge Impulse", _has_files, _files, _sides, _SUFFIXES)
