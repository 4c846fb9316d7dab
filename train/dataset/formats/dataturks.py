"""Dataturks: a line of JSON for each image, with the address of the image and its boxes in shares of the sides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

from train.dataset.examples.assembly import Canvas
from train.dataset.examples.evidence import by_evidence
from train.dataset.examples.split_names import split_of
from train.dataset.formats import Score, Splits, _json_export
from train.dataset.formats._json_export import Export, Source
from train.dataset.tools import shapes
from train.dataset.tools.entries import Entry, Item
from train.dataset.tools.json_files import dicts, number, text


def score(folder: Path) -> Optional[Score]:
    """Returns how many images the JSON files of Dataturks name; None if there is none."""
    return _json_export.score(folder, _EXPORT)


@by_evidence
def read(folder: Path) -> Splits:
    """Reads and checks the JSON files of Dataturks below `folder` and their images. Raises InputError if too much is bad."""
    return _json_export.read(folder, _EXPORT)


def _is_ours(keys: frozenset[str]) -> bool:
    return keys >= {"content", "annotation", "label", "points"}


def _entries(source: Source) -> Iterator[Entry]:
    row = source.data if isinstance(source.data, dict) else {}
    items = []
    size: Optional[tuple[float, float]] = None
    for index, shape in enumerate(dicts(row.get("annotation")), 1):
        label = shape.get("label")
        items.append(Item(f"{source.place}: box {index}", text(label[0] if isinstance(label, list) and label else label), shape))
        size = size or _size(shape)
    part = split_of(source.file.name)
    yield Entry(source.place, source.file.name, (text(row.get("content")),), tuple(items), size, part)


def _size(shape: dict[str, Any]) -> Optional[tuple[float, float]]:
    try:
        return number(shape.get("imageWidth"), "imageWidth"), number(shape.get("imageHeight"), "imageHeight")
    except ValueError:
        return None


def _sides(shape: dict[str, Any], canvas: Canvas) -> shapes.Sides:
    points = shape.get("points")
    pairs = [(point.get("x"), point.get("y")) for point in dicts(points)] or shapes.pairs(points)
    return shapes.around((number(x, "x") * canvas.width, number(y, "y") * canvas.height) for x, y in pairs)


_EXPORT = Export("JSON of Dataturks", _is_ours, _entries, _sides, (".json", ".jsonl"), lines=True)
