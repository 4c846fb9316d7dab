"""YOLO as Ultralytics reads it: `data.yaml`, `images/train/` and `labels/train/`, likewise `val`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from runtime.common.values import Box, Labels
from train.dataset.dataset import Dataset
from train.dataset.examples.example import Example
from train.dataset.writers import _image_copies as image_copies


def write(dataset: Dataset, folder: Path) -> None:
    """Writes `dataset` into `folder`.

    Class numbers count from 0. The flags for difficult and truncated boxes are lost, since YOLO has none.
    """
    for part, examples in (("train", dataset.train), ("val", dataset.validation)):
        _write_part(examples, part, folder, dataset.labels)
    described = {"path": ".", "train": "images/train", "val": "images/val", "names": dict(enumerate(dataset.labels))}
    (folder / "data.yaml").write_text(yaml.safe_dump(described, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _write_part(examples: Sequence[Example], part: str, folder: Path, labels: Labels) -> None:
    texts = folder / "labels" / part
    texts.mkdir(parents=True)
    for example, name in image_copies.copy(examples, folder / "images" / part):
        lines = (f"{labels.index(item.label)} {_shares(item.box, example)}\n" for item in example.boxes)
        (texts / f"{Path(name).stem}.txt").write_text("".join(lines), encoding="utf-8")


def _shares(box: Box, example: Example) -> str:
    """Returns normalized center and size, precise enough to restore a thousandth of a pixel."""
    x, y = (box.xmin + box.xmax) / 2, (box.ymin + box.ymax) / 2
    pairs = zip((x, y, box.width, box.height), (example.width, example.height) * 2)
    return " ".join(f"{side / whole:.9f}" for side, whole in pairs)
