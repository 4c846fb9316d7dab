"""Amazon SageMaker Ground Truth: the output manifest of a bounding box job, a line of JSON for each image.

(https://docs.aws.amazon.com/sagemaker/latest/dg/sms-data-output.html) The job's name is the key of the boxes; the
classes' names are in `class-map` of its metadata.
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
    """Returns how many images the manifests name; None if there is none."""
    return _json_export.score(folder, _EXPORT)


@by_evidence
def read(folder: Path) -> Splits:
    """Reads and checks the manifests below `folder` and their images. Raises InputError if too much is bad."""
    return _json_export.read(folder, _EXPORT)


def _is_ours(keys: frozenset[str]) -> bool:
    return keys >= {"source-ref", "annotations"} and "class-map" in keys


def _entries(source: Source) -> Iterator[Entry]:
    row = source.data if isinstance(source.data, dict) else {}
    job = next((name for name, value in row.items() if isinstance(value, dict) and "annotations" in value), "")
    label = row.get(job)
    label = label if isinstance(label, dict) else {}
    metadata = row.get(f"{job}-metadata")
    names = metadata.get("class-map") if isinstance(metadata, dict) else None
    names = names if isinstance(names, dict) else {}
    items = [
        Item(f"{source.place}: box {index}", text(names.get(str(box.get("class_id")))), box)
        for index, box in enumerate(dicts(label.get("annotations")), 1)
    ]
    written = text(row.get("source-ref"))
    yield Entry(source.place, source.file.name, (written,), tuple(items), _size(label), split_of(source.file.name))


def _size(label: dict[str, Any]) -> Optional[tuple[float, float]]:
    size = next(iter(dicts(label.get("image_size"))), {})
    try:
        return number(size.get("width"), "width"), number(size.get("height"), "height")
    except ValueError:
        return None


def _sides(box: dict[str, Any], _: Canvas) -> shapes.Sides:
    left, top, width, height = (number(box.get(name), name) for name in ("left", "top", "width", "height"))
    return left, top, left + width, top + height


_EXPORT = Export("a manifest of SageMaker", _is_ours, _entries, _sides, (".manifest", ".jsonl"), lines=True)
