"""YOLO: `labels/NAME.txt` with a line for each box, and the classes as LabelImg and Ultralytics want them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from runtime.common.values import Labels
from train.label.proposals import ProposedImage


def write(images: Sequence[ProposedImage], labels: Labels, folder: Path, out: str) -> str:
    """A text file for each image. Scores are left out: tools read a sixth number as something else."""
    (folder / "labels").mkdir()
    for image in images:
        lines = []
        for item, _ in image.shown:
            box = item.box
            centre = (box.xmin + box.xmax) / 2 / image.width, (box.ymin + box.ymax) / 2 / image.height
            sides = box.width / image.width, box.height / image.height
            lines.append(f"{labels.index(item.label)} " + " ".join(f"{side:.9f}" for side in (*centre, *sides)) + "\n")
        (folder / "labels" / f"{Path(image.name).stem}.txt").write_text("".join(lines), encoding="utf-8")
    (folder / "labels" / "classes.txt").write_text(labels.text(), encoding="utf-8")
    described = {"path": ".", "train": "images", "val": "images", "names": dict(enumerate(labels))}
    (folder / "data.yaml").write_text(yaml.safe_dump(described, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return f"labelImg {out}/images {out}/labels/classes.txt {out}/labels"
