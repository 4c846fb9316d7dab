"""Datumaro's own JSON (https://openvinotoolkit.github.io/datumaro/), which CVAT exports too: a file for each split.

Boxes, polygons and masks' boxes are used; points, polylines, captions and the like are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

from train.dataset.examples.assembly import Canvas
from train.dataset.examples.evidence import by_evidence
from train.dataset.examples.image_files import quoted
from train.dataset.examples.split_names import split_of
from train.dataset.formats import Score, Splits, _json_export
from train.dataset.formats._json_export import Export, Source
from train.dataset.tools import shapes
from train.dataset.tools.entries import Entry, Item
from train.dataset.tools.json_files import dicts, number, text


def score(folder: Path) -> Optional[Score]:
    """Returns how many images the JSON files of Datumaro name; None if there is none."""
    return _json_export.score(folder, _EXPORT)


@by_evidence
def read(folder: Path) -> Splits:
    """Reads and checks the JSON files of Datumaro below `folder` and their images. Raises InputError if too much is bad."""
    return _json_export.read(folder, _EXPORT)


_BOXED = ("bbox", "polygon")


def _is_ours(keys: frozenset[str]) -> bool:
    return keys >= {"items", "categories", "annotations"}


def _entries(source: Source) -> Iterator[Entry]:
    data = source.data if isinstance(source.data, dict) else {}
    names = _names(data.get("categories"))
    for index, row in enumerate(dicts(data.get("items"))):
        id = text(row.get("id"))
        place = f"{source.place}: items[{index}]"
        image: dict[str, Any] = next((row[key] for key in ("image", "media") if isinstance(row.get(key), dict)), {})
        items = []
        for order, shape in enumerate(dicts(row.get("annotations")), 1):
            if shape.get("type") in _BOXED:
                items.append(Item(f"{place}: annotation {order}", _name(names, shape.get("label_id")), shape))
            else:
                source.skipped[quoted(shape.get("type"))] += 1
        written = tuple(path for path in (text(image.get("path")), id) if path)
        yield Entry(place, source.file.name, written, tuple(items), _size(image), split_of(source.file.name))


def _names(categories: Any) -> list[str]:
    label = categories.get("label") if isinstance(categories, dict) else None
    labels = label.get("labels") if isinstance(label, dict) else None
    return [text(row.get("name")) for row in dicts(labels)]


def _name(names: list[str], number: Any) -> str:
    return names[number] if isinstance(number, int) and 0 <= number < len(names) else ""


def _size(image: dict[str, Any]) -> Optional[tuple[float, float]]:
    size = image.get("size")
    if not isinstance(size, list) or len(size) != 2:
        return None
    try:
        return number(size[1], "width"), number(size[0], "height")
    except ValueError:
        return None


def _sides(shape: dict[str, Any], _: Canvas) -> shapes.Sides:
    values = shape.get("bbox" if shape.get("type") == "bbox" else "points")
    if not isinstance(values, list) or len(values) < 4 or len(values) % 2:
        raise ValueError("has no box of four numbers, and no points")
    numbers = [number(value, "coordinate") for value in values]
    if shape.get("type") == "bbox":
        x, y, width, height = numbers[:4]
        return x, y, x + width, y + height
    return shapes.around(zip(numbers[::2], numbers[1::2]))


_EXPORT = Export("Datumaro's JSON", _is_ours, _entries, _sides)
