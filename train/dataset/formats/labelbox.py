"""Labelbox (https://docs.labelbox.com/reference/label-export): the NDJSON of an export, a line for each image.

Boxes and polygons are used; of several projects and labels, the first with objects.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any, Optional

from train.dataset.examples.assembly import Canvas
from train.dataset.examples.evidence import by_evidence
from train.dataset.examples.image_files import quoted
from train.dataset.examples.split_names import split_of, split_of_folder
from train.dataset.formats import Score, Splits, _json_export
from train.dataset.formats._json_export import Export, Source
from train.dataset.tools import shapes
from train.dataset.tools.entries import Entry, Item
from train.dataset.tools.json_files import dicts, number, text


def score(folder: Path) -> Optional[Score]:
    """Returns how many images the NDJSON files of Labelbox name; None if there is none."""
    return _json_export.score(folder, _EXPORT)


@by_evidence
def read(folder: Path) -> Splits:
    """Reads and checks the NDJSON files of Labelbox below `folder` and their images. Raises InputError if too much is bad."""
    return _json_export.read(folder, _EXPORT)


def _is_ours(keys: frozenset[str]) -> bool:
    return keys >= {"data_row", "projects"}


def _entries(source: Source) -> Iterator[Entry]:
    for row in dicts([source.data]):
        data = row.get("data_row")
        data = data if isinstance(data, dict) else {}
        written = tuple(path for path in (text(data.get(key)) for key in ("external_id", "row_data", "global_key")) if path)
        items = []
        for index, item in enumerate(_objects(row), 1):
            if "bounding_box" in item or "polygon" in item:
                items.append(Item(f"{source.place}: object {index}", text(item.get("name")) or text(item.get("value")), item))
            else:
                source.skipped[quoted(item.get("annotation_kind"))] += 1
        part = split_of_folder(PurePath(text(data.get("split")), "x")) or split_of(source.file.name)
        yield Entry(source.place, source.file.name, written, tuple(items), _size(row.get("media_attributes")), part)


def _objects(row: dict[str, Any]) -> list[dict[str, Any]]:
    for project in dicts(row.get("projects")):
        for label in dicts(project.get("labels")):
            annotations = label.get("annotations")
            if isinstance(annotations, dict) and (found := dicts(annotations.get("objects"))):
                return found
    return []


def _size(media: Any) -> Optional[tuple[float, float]]:
    try:
        return (number(media.get("width"), "width"), number(media.get("height"), "height")) if isinstance(media, dict) else None
    except ValueError:
        return None


def _sides(item: dict[str, Any], _: Canvas) -> shapes.Sides:
    box = item.get("bounding_box")
    if isinstance(box, dict):
        left, top, width, height = (number(box.get(name), name) for name in ("left", "top", "width", "height"))
        return left, top, left + width, top + height
    return shapes.around((number(point.get("x"), "x"), number(point.get("y"), "y")) for point in dicts(item.get("polygon")))


_EXPORT = Export("Labelbox's NDJSON", _is_ours, _entries, _sides, (".ndjson", ".jsonl", ".json"), lines=True)
