"""FiftyOne's image detection data set (https://docs.voxel51.com): `labels.json` with the boxes of each image's name.

`bounding_box` is (x, y, width, height) in shares of the sides; `label` is a name, or a number in `classes`.
"""

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
    """Returns how many images the JSON files of FiftyOne name; None if there is none."""
    return _json_export.score(folder, _EXPORT)


@by_evidence
def read(folder: Path) -> Splits:
    """Reads and checks the JSON files of FiftyOne below `folder` and their images. Raises InputError if too much is bad."""
    return _json_export.read(folder, _EXPORT)


def _is_ours(keys: frozenset[str]) -> bool:
    return keys >= {"classes", "labels"} and (bool(keys & {"bounding_box", "bbox"}) or len(keys) == 2)


def _entries(source: Source) -> Iterator[Entry]:
    data = source.data if isinstance(source.data, dict) else {}
    classes = data.get("classes")
    names = [text(name) for name in classes] if isinstance(classes, list) else []
    for stem, rows in _labels(data).items():
        place = f"{source.place}: {stem[:80]!r}"
        items = (
            Item(f"{place}: box {index}", _name(row.get("label"), names), row) for index, row in enumerate(dicts(rows), 1)
        )
        yield Entry(place, source.file.name, (stem,), tuple(items), part=split_of(source.file.name))


def _labels(data: Any) -> dict[str, Any]:
    labels = data.get("labels") if isinstance(data, dict) else None
    return labels if isinstance(labels, dict) else {}


def _name(label: Any, names: list[str]) -> str:
    if isinstance(label, int) and not isinstance(label, bool):
        return names[label] if 0 <= label < len(names) else ""
    return text(label)


def _sides(row: dict[str, Any], canvas: Canvas) -> shapes.Sides:
    box = row.get("bounding_box")
    if not isinstance(box, list) or len(box) != 4:
        raise ValueError("has no bounding_box of four numbers")
    x, y, width, height = (number(value, name) for value, name in zip(box, ("x", "y", "width", "height")))
    across, down = canvas.width, canvas.height
    return x * across, y * down, (x + width) * across, (y + height) * down


_EXPORT = Export("FiftyOne's labels", _is_ours, _entries, _sides, stems=lambda data: set(_labels(data)))
