"""Scalabel and BDD100K (https://doc.scalabel.ai/format.html): a list of frames with their labels, or a file for each frame.

`box2d` is used; lanes and areas, which have only a `poly2d`, are left out.
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
    """Returns how many images the JSON files of Scalabel name; None if there is none."""
    return _json_export.score(folder, _EXPORT)


@by_evidence
def read(folder: Path) -> Splits:
    """Reads and checks the JSON files of Scalabel below `folder` and their images. Raises InputError if too much is bad."""
    return _json_export.read(folder, _EXPORT)


def _is_ours(keys: frozenset[str]) -> bool:
    return keys >= {"name", "labels", "category"} and bool(keys & {"box2d", "poly2d"})


def _entries(source: Source) -> Iterator[Entry]:
    data = source.data
    frames = data.get("frames") if isinstance(data, dict) and "frames" in data else data if isinstance(data, list) else [data]
    for index, frame in enumerate(dicts(frames)):
        place = f"{source.place}: [{index}]"
        items = []
        for order, label in enumerate(dicts(frame.get("labels")), 1):
            if isinstance(label.get("box2d"), dict):
                items.append(Item(f"{place}: label {order}", text(label.get("category")), label["box2d"]))
            else:
                source.skipped[quoted(label.get("category"))] += 1
        written = tuple(path for path in (text(frame.get("name")), text(frame.get("url"))) if path)
        yield Entry(place, source.file.name, written, tuple(items), part=split_of(source.file.name))


def _sides(box: dict[str, Any], _: Canvas) -> shapes.Sides:
    xmin, ymin, xmax, ymax = (number(box.get(name), name) for name in ("x1", "y1", "x2", "y2"))
    return xmin, ymin, xmax, ymax


_EXPORT = Export("labels of Scalabel", _is_ours, _entries, _sides)
