"""COCO JSON, `annotations.json`: a task of CVAT, Label Studio's converter, FiftyOne and others read it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runtime.common.values import Labels
from train.label.proposals import ProposedImage


def write(images: Sequence[ProposedImage], labels: Labels, folder: Path, out: str) -> str:
    """One file for all images; scores are `score`, as in COCO's results."""
    annotations: list[dict[str, Any]] = []
    for number, image in enumerate(images, 1):
        for item, score in image.shown:
            box = [round(side, 3) for side in (item.box.xmin, item.box.ymin, item.box.width, item.box.height)]
            known = {} if score is None else {"score": round(score, 4)}
            annotations.append(
                {
                    "id": len(annotations) + 1, "image_id": number, "category_id": labels.index(item.label) + 1, "bbox": box,
                    "area": box[2] * box[3], "iscrowd": 0, "segmentation": [], **known,
                }
            )  # fmt: skip
    described = [
        {"id": number, "file_name": image.name, "width": image.width, "height": image.height}
        for number, image in enumerate(images, 1)
    ]
    categories = [{"id": number, "name": name, "supercategory": ""} for number, name in enumerate(labels, 1)]
    text = json.dumps({"images": described, "annotations": annotations, "categories": categories}, ensure_ascii=False)
    (folder / "annotations.json").write_text(text, encoding="utf-8")
    return f"upload {out}/images, then {out}/annotations.json as COCO 1.0"
