"""VoTT (https://github.com/microsoft/VoTT): its JSON export, and the files that it keeps for each image of a project.

Regions are rectangles and polygons, points and polylines are left out; the class is a region's first tag.
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

_WITHOUT_BOX = ("point", "polyline")


def score(folder: Path) -> Optional[Score]:
    """Returns how many images the JSON files of VoTT name; None if there is none."""
    return _json_export.score(folder, _EXPORT)


@by_evidence
def read(folder: Path) -> Splits:
    """Reads and checks the JSON files of VoTT below `folder` and their images. Raises InputError if too much is bad."""
    return _json_export.read(folder, _EXPORT)


def _is_ours(keys: frozenset[str]) -> bool:
    return keys >= {"asset", "regions"} and bool(keys & {"assets", "boundingBox", "version"})


def _entries(source: Source) -> Iterator[Entry]:
    data = source.data if isinstance(source.data, dict) else {}
    # A project's own file for one image is what the export has for each.
    for row in dicts(data.get("assets", [data])):
        asset = row.get("asset")
        asset = asset if isinstance(asset, dict) else {}
        written = tuple(path for path in (text(asset.get("path")), text(asset.get("name"))) if path)
        place = f"{source.place}: {(written or ('',))[-1][:80]!r}"
        items = []
        for index, region in enumerate(dicts(row.get("regions")), 1):
            if (kind := text(region.get("type")).lower()) in _WITHOUT_BOX:
                source.skipped[kind] += 1
            else:
                items.append(Item(f"{place}: region {index}", _tag(region), region))
        yield Entry(place, source.file.name, written, tuple(items), _size(asset), split_of_folder(source.file.name))


def _tag(region: dict[str, Any]) -> str:
    tags = region.get("tags")
    return text(tags[0]) if isinstance(tags, list) and tags else ""


def _size(asset: dict[str, Any]) -> Optional[tuple[float, float]]:
    size = asset.get("size")
    try:
        return (number(size.get("width"), "width"), number(size.get("height"), "height")) if isinstance(size, dict) else None
    except ValueError:
        return None


def _sides(region: dict[str, Any], _: Canvas) -> shapes.Sides:
    box = region.get("boundingBox")
    if isinstance(box, dict):
        left, top, width, height = (number(box.get(name), name) for name in ("left", "top", "width", "height"))
        return left, top, left + width, top + height
    return shapes.around((number(point.get("x"), "x"), number(point.get("y"), "y")) for point in dicts(region.get("points")))


_EXPORT = Export("VoTT's JSON", _is_ours, _entries, _sides)
