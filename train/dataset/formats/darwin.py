"""V7 Darwin JSON (https://docs.v7labs.com/reference/darwin-json), versions 1 and 2: a file for each image.

The box of each annotation is used: its own, or that of its polygon.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    """Returns how many images the JSON files of V7 name; None if there is none."""
    return _json_export.score(folder, _EXPORT)


@by_evidence
def read(folder: Path) -> Splits:
    """Reads and checks the JSON files of V7 below `folder` and their images. Raises InputError if too much is bad."""
    return _json_export.read(folder, _EXPORT)


def _is_ours(keys: frozenset[str]) -> bool:
    # A file of a background image has no box.
    return keys >= {"item", "slots", "annotations"} or keys >= {"image", "filename", "workview_url", "annotations"}


_OTHER = ("tag", "line", "keypoint", "skeleton", "cuboid", "ellipse", "mask", "raster_layer", "string", "graph", "table")


def _entries(source: Source) -> Iterator[Entry]:
    data = source.data if isinstance(source.data, dict) else {}
    image: dict[str, Any] = next((data[key] for key in ("item", "image") if isinstance(data.get(key), dict)), {})
    slot = next(iter(dicts(image.get("slots"))), image)
    stored = next(iter(dicts(slot.get("source_files"))), {})
    names = (image.get("name"), image.get("filename"), stored.get("file_name"), image.get("original_filename"))
    items = []
    for index, row in enumerate(dicts(data.get("annotations")), 1):
        if "bounding_box" in row or "polygon" in row:
            items.append(Item(f"{source.place}: annotation {index}", text(row.get("name")), row))
        else:
            source.skipped[next((kind for kind in _OTHER if kind in row), "unknown")] += 1
    written = tuple(path for path in map(text, names) if path)
    yield Entry(source.place, source.file.name, written, tuple(items), _size(slot), split_of_folder(source.file.name))


def _size(slot: dict[str, Any]) -> Optional[tuple[float, float]]:
    try:
        return number(slot.get("width"), "width"), number(slot.get("height"), "height")
    except ValueError:
        return None


def _sides(row: dict[str, Any], _: Canvas) -> shapes.Sides:
    box = row.get("bounding_box")
    if isinstance(box, dict):
        x, y, width, height = (number(box.get(name), name) for name in ("x", "y", "w", "h"))
        return x, y, x + width, y + height
    polygon = row.get("polygon")
    paths = (polygon.get("paths") or [polygon.get("path")]) if isinstance(polygon, dict) else []
    points = [point for path in paths for point in dicts(path)] if isinstance(paths, list) else []
    return shapes.around((number(point.get("x"), "x"), number(point.get("y"), "y")) for point in points)


_EXPORT = Export("V7's Darwin JSON", _is_ours, _entries, _sides)
