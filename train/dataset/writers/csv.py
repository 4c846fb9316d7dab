"""CSV tables as `generate_tfrecord.py` scripts read them: `train_labels.csv` and `images/train/`, likewise `val`."""

from __future__ import annotations

import csv
from pathlib import Path

from train.dataset.dataset import Dataset
from train.dataset.writers import _image_copies as image_copies

_COLUMNS = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax")


def write(dataset: Dataset, folder: Path) -> None:
    """Writes `dataset` into `folder`.

    An image without boxes has one line without a class. The flags for difficult and truncated boxes are lost.
    """
    for part, examples in (("train", dataset.train), ("val", dataset.validation)):
        with (folder / f"{part}_labels.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(_COLUMNS)
            for example, name in image_copies.copy(examples, folder / "images" / part):
                image = (name, example.width, example.height)
                boxes = [(item.label, *(f"{side:.10g}" for side in item.box.as_tuple())) for item in example.boxes]
                table.writerows((*image, *box) for box in boxes or [("",) * 5])
