"""Hugging Face's ImageFolder (https://huggingface.co/docs/datasets/image_dataset): `metadata.jsonl` beside the images.

Each line has a `file_name` and `objects`: lists of boxes (x, y, width, height) in pixels and of classes, or a list of
objects. The folder (train, validation, test) is the split.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
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
    """Returns how many images metadata.jsonl files name; None if there is none."""
    return _json_export.score(folder, _EXPORT)


@by_evidence
def read(folder: Path) -> Splits:
    """Reads and checks metadata.jsonl files below `folder` and their images. Raises InputError if too much is bad."""
    return _json_export.read(folder, _EXPORT)


_LABELS = ("categories", "category", "labels", "label", "class", "classes", "category_name", "name", "category_id")
_BOXES = ("bbox", "bboxes", "boxes", "box")


def _is_ours(keys: frozenset[str]) -> bool:
    return keys >= {"file_name", "objects"} and bool(keys & {*_BOXES})


def _entries(source: Source) -> Iterator[Entry]:
    row = source.data if isinstance(source.data, dict) else {}
    objects = row.get("objects")
    pairs: list[tuple[Any, Any]]
    if isinstance(objects, dict):
        boxes, labels = _first(objects, _BOXES), _first(objects, _LABELS)
        boxes, labels = (value if isinstance(value, list) else [] for value in (boxes, labels))
        pairs = list(zip_longest(labels, boxes))
    else:
        pairs = [(_first(item, _LABELS), _first(item, _BOXES)) for item in dicts(objects)]
    items = (Item(f"{source.place}: box {index}", _name(label), box) for index, (label, box) in enumerate(pairs, 1))
    written = text(row.get("file_name"))
    yield Entry(source.place, source.file.name, (written,), tuple(items), part=split_of_folder(source.file.name))


def _first(row: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((row[name] for name in names if name in row), None)


def _name(label: Any) -> str:
    return str(label) if isinstance(label, int) and not isinstance(label, bool) else text(label)


def _sides(box: Any, _: Canvas) -> shapes.Sides:
    if not isinstance(box, list) or len(box) != 4:
        raise ValueError("has no bbox of four numbers")
    x, y, width, height = (number(value, name) for value, name in zip(box, ("x", "y", "width", "height")))
    return x, y, x + width, y + height


_EXPORT = Export("objects in a metadata.jsonl", _is_ours, _entries, _sides, (".jsonl",), lines=True)
