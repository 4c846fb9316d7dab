"""Unity's Perception package (https://github.com/Unity-Technologies/com.unity.perception): drawn images and their boxes.

Reads `captures_000.json` and the like of versions before 1.0, and SOLO, which has a `step0.frame_data.json` for each
frame. Of a capture's annotations those with boxes in the image count; segmentation, key points and boxes in space are left
out.
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

_OLD = frozenset(("x", "y", "width", "height"))
_SOLO = frozenset(("origin", "dimension"))


def score(folder: Path) -> Optional[Score]:
    """Returns how many images the files of Unity name; None if there is none."""
    return _json_export.score(folder, _EXPORT)


@by_evidence
def read(folder: Path) -> Splits:
    """Reads and checks the files of Unity below `folder` and their images. Raises InputError if too much is bad."""
    return _json_export.read(folder, _EXPORT)


def _is_ours(keys: frozenset[str]) -> bool:
    if not keys >= {"captures", "annotations", "filename"}:
        return False
    return keys >= {"sensor", "annotation_definition"} or keys >= {"frame", "sequence", "step"}


def _entries(source: Source) -> Iterator[Entry]:
    captures = source.data.get("captures") if isinstance(source.data, dict) else None
    for index, capture in enumerate(dicts(captures)):
        place = f"{source.place}: captures[{index}]"
        values = [value for row in dicts(capture.get("annotations")) for value in dicts(row.get("values"))]
        boxes = [value for value in values if value.keys() >= _OLD or value.keys() >= _SOLO]
        if values and not boxes:
            source.skipped["frames without boxes in the image"] += 1
        items = (
            Item(f"{place}: box {order}", text(value.get("label_name")) or text(value.get("labelName")), value)
            for order, value in enumerate(boxes, 1)
        )
        part = split_of_folder(source.file.name)
        yield Entry(place, source.file.name, (text(capture.get("filename")),), tuple(items), _size(capture), part)


def _size(capture: dict[str, Any]) -> Optional[tuple[float, float]]:
    try:
        width, height = _two(capture.get("dimension"), "dimension")
    except ValueError:
        return None
    return width, height


def _two(value: Any, name: str) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"has no {name} of two numbers")
    return number(value[0], name), number(value[1], name)


def _sides(value: dict[str, Any], _: Canvas) -> shapes.Sides:
    if value.keys() >= _SOLO:
        (x, y), (width, height) = _two(value["origin"], "origin"), _two(value["dimension"], "dimension")
    else:
        x, y, width, height = (number(value[name], name) for name in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


_EXPORT = Export("captures of Unity", _is_ours, _entries, _sides)
