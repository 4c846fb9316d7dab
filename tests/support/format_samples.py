"""Small data sets in every format, written from one description, valid or with deliberate errors."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Sequence

import cv2
import numpy as np

from train.dataset.dataset import Dataset
from train.files import tf_example, tfrecord

BOX = ("cat", 4, 5, 30, 28)
FORMATS = ("coco", "csv", "pascal_voc", "tfrecord", "yolo")
SIZE = (64, 48)


@dataclass(frozen=True)
class Sample:
    """One image of a data set.

    `part` is "train" or "valid"; `boxes` are (label, xmin, ymin, xmax, ymax) in pixels; `size` is the width and
    height in the annotation; `data` are the bytes of the image file, None where the file is missing.
    """

    name: str
    part: str = "train"
    boxes: tuple[tuple, ...] = (BOX,)
    size: tuple[int, int] = SIZE
    data: Optional[bytes] = b""

    @property
    def stem(self) -> str:
        """The file name without its ending."""
        return Path(self.name).stem


def image(seed: int = 0, size: tuple[int, int] = SIZE) -> bytes:
    """The bytes of a smooth JPEG."""
    grid = np.random.default_rng(seed).integers(0, 255, (3, 4, 3)).astype(np.uint8)
    return cv2.imencode(".jpg", cv2.resize(grid, size, interpolation=cv2.INTER_LINEAR))[1].tobytes()


def samples(count: int, validation: int = 0, boxes: Sequence[tuple] = (BOX,), seed: int = 0) -> list[Sample]:
    """`count` images named p0.jpg, p1.jpg, ...; the last `validation` of them are for validation.

    Those of another `seed`, which counts in hundreds, show something else.
    """
    parts = ["train"] * (count - validation) + ["valid"] * validation
    return [Sample(f"p{i}.jpg", part, tuple(boxes), data=image(seed + i)) for i, part in enumerate(parts)]


def write(format: str, folder: Path, images: Sequence[Sample], labels: Sequence[str] = ("cat",)) -> Path:
    """Writes `images` to `folder` in the layout of that format's exports; returns `folder`.

    `labels` are written where the format lists them.
    """
    for part in dict.fromkeys(sample.part for sample in images):
        inside = [sample for sample in images if sample.part == part]
        place = folder / part
        (place / "images" if format == "yolo" else place).mkdir(parents=True)
        if format != "tfrecord":
            for sample in inside:
                if sample.data is not None:
                    (place / ("images" if format == "yolo" else ".") / sample.name).write_bytes(sample.data)
        WRITERS[format](place, inside, list(labels))
    return folder


def _voc(place: Path, images: Sequence[Sample], labels: list[str]) -> None:
    for sample in images:
        objects = "".join(
            f"<object><name>{name}</name><bndbox><xmin>{xmin}</xmin><ymin>{ymin}</ymin>"
            f"<xmax>{xmax}</xmax><ymax>{ymax}</ymax></bndbox></object>"
            for name, xmin, ymin, xmax, ymax in sample.boxes
        )
        width, height = sample.size
        (place / f"{sample.stem}.xml").write_text(
            f"<annotation><filename>{sample.name}</filename><size><width>{width}</width><height>{height}</height>"
            f"</size>{objects}</annotation>"
        )


def _coco(place: Path, images: Sequence[Sample], labels: list[str]) -> None:
    """In Roboflow's layout, whose category 0 is a group of all classes."""
    entries, annotations = [], []
    for number, sample in enumerate(images):
        width, height = sample.size
        entries.append({"id": number, "file_name": sample.name, "width": width, "height": height})
        for name, xmin, ymin, xmax, ymax in sample.boxes:
            bbox = [xmin, ymin, xmax - xmin, ymax - ymin]
            category = labels.index(name) + 1
            annotations.append(
                {"id": len(annotations), "image_id": number, "category_id": category, "bbox": bbox, "iscrowd": 0}
            )
    categories = [{"id": 0, "name": "things", "supercategory": "none"}]
    categories += [{"id": i, "name": name, "supercategory": "things"} for i, name in enumerate(labels, 1)]
    data = {"info": {}, "categories": categories, "images": entries, "annotations": annotations}
    (place / "_annotations.coco.json").write_text(json.dumps(data))


def _csv(place: Path, images: Sequence[Sample], labels: list[str]) -> None:
    with (place / "_annotations.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax"])
        for sample in images:
            table.writerows([sample.name, *sample.size, *box] for box in sample.boxes or [("",) * 5])


def _yolo(place: Path, images: Sequence[Sample], labels: list[str]) -> None:
    """In Roboflow's layout, whose paths start outside of the folder."""
    (place / "labels").mkdir()
    for sample in images:
        width, height = SIZE
        lines = (
            f"{labels.index(name)} {(xmin + xmax) / 2 / width} {(ymin + ymax) / 2 / height}"
            f" {(xmax - xmin) / width} {(ymax - ymin) / height}\n"
            for name, xmin, ymin, xmax, ymax in sample.boxes
        )
        (place / "labels" / f"{sample.stem}.txt").write_text("".join(lines))
    names = ", ".join(f"'{name}'" for name in labels)
    (place.parent / "data.yaml").write_text(
        f"train: ../train/images\nval: ../valid/images\n\nnc: {len(labels)}\nnames: [{names}]\n"
    )


def _tfrecord(place: Path, images: Sequence[Sample], labels: list[str]) -> None:
    with (place / "things.tfrecord").open("wb") as file, tfrecord.Writer(file) as writer:
        for sample in images:
            writer.write((tf_example.encode(features(sample, labels)),))
    items = (
        f'item {{\n    name: "{name}",\n    id: {i},\n    display_name: "{name}"\n}}\n'
        for i, name in enumerate(labels, 1)
    )
    (place / "things_label_map.pbtxt").write_text("".join(items))


def features(sample: Sample, labels: list[str]) -> dict:
    """The features of a record as Roboflow writes it, without image/source_id: name -> (type, values)."""
    width, height = SIZE
    columns = list(zip(*sample.boxes)) or [()] * 5
    shares = [[value / side for value in column] for column, side in zip(columns[1:], (width, height) * 2)]
    sides = dict(zip(("xmin", "ymin", "xmax", "ymax"), shares))
    return {
        "image/height": (int, [sample.size[1]]),
        "image/width": (int, [sample.size[0]]),
        "image/filename": (bytes, [sample.name.encode()]),
        "image/encoded": (bytes, [] if sample.data is None else [sample.data]),
        "image/format": (bytes, [b"jpeg"]),
        **{f"image/object/bbox/{side}": (float, values) for side, values in sides.items()},
        "image/object/class/text": (bytes, [name.encode() for name in columns[0]]),
        "image/object/class/label": (int, [labels.index(name) + 1 for name in columns[0]]),
    }


WRITERS = {"pascal_voc": _voc, "coco": _coco, "csv": _csv, "yolo": _yolo, "tfrecord": _tfrecord}


def described(dataset: Dataset) -> list:
    """Returns the contents of a data set, without the folders of its images, for comparison."""
    parts = [
        [
            (
                e.id,
                e.image.name,
                hashlib.sha256(e.image.read_bytes()).hexdigest(),
                e.width,
                e.height,
                e.orientation,
                e.boxes,
            )
            for e in part
        ]
        for part in (dataset.train, dataset.validation)
    ]
    return [*parts, dataset.labels]
