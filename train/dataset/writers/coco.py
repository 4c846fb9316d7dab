"""COCO JSON in Roboflow's layout: `train/_annotations.coco.json` beside the images, and `valid/`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runtime.common.values import Box, Labels
from train.dataset.dataset import Dataset
from train.dataset.examples.example import Example
from train.dataset.writers import _image_copies as image_copies


def write(dataset: Dataset, folder: Path) -> None:
    """Writes `dataset` into `folder`.

    Category ids count from 1. The flags for difficult and truncated boxes are lost, since COCO has none.
    """
    for part, examples in (("train", dataset.train), ("valid", dataset.validation)):
        text = json.dumps(_annotations(examples, folder / part, dataset.labels), ensure_ascii=False)
        (folder / part / "_annotations.coco.json").write_text(text, encoding="utf-8")


def _annotations(examples: Sequence[Example], folder: Path, labels: Labels) -> dict[str, Any]:
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, (example, name) in enumerate(image_copies.copy(examples, folder), 1):
        images.append({"id": number, "file_name": name, "width": example.width, "height": example.height})
        for item in example.boxes:
            box = _bbox(item.box)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": labels.index(item.label) + 1,
                    "bbox": box,
                    "area": box[2] * box[3],
                    "iscrowd": 0,
                }
            )
    categories = [{"id": number, "name": name} for number, name in enumerate(labels, 1)]
    return {"images": images, "annotations": annotations, "categories": categories}


def _bbox(box: Box) -> list[float]:
    """Returns [x, y, width, height], rounded to a thousandth of a pixel as boxes are when read."""
    return [round(side, 3) for side in (box.xmin, box.ymin, box.width, box.height)]
