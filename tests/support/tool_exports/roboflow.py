"""Roboflow's exports: train/ and valid/, images named after their originals."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.format_samples import Sample, features
from tests.support.tool_exports import CSV_HEADER, HEIGHT, LABELS, WIDTH, Truth, coco, layout, split, voc, write, yolo
from tests.support.tool_exports.labelimg import createml
from train.files import tf_example, tfrecord

_PARTS = {"train": "train", "val": "valid"}


def _name(one: Truth) -> str:
    return f"{one.stem}_jpg.rf.{sum(one.jpeg):032x}.jpg"


def _images(folder: Path, inside: str = "") -> dict[Path, tuple[Truth, ...]]:
    places = {folder / _PARTS[part]: images for part, images in split().items()}
    for place, images in places.items():
        for one in images:
            one.save(place / inside, _name(one))
    write(folder / "README.roboflow.txt", "shots - v1\n")
    return places


@layout("roboflow: COCO", split=True)
def _coco(folder: Path) -> None:
    for place, images in _images(folder).items():
        data = coco(images, names={one.stem: _name(one) for one in images})
        data["categories"].insert(0, {"id": 0, "name": "shots", "supercategory": "none"})
        write(place / "_annotations.coco.json", json.dumps(data))


@layout("roboflow: PASCAL VOC", split=True)
def _voc(folder: Path) -> None:
    for place, images in _images(folder).items():
        for one in images:
            write(place / f"{Path(_name(one)).stem}.xml", voc(one, _name(one), folder=""))


@layout("roboflow: YOLOv8", split=True)
def _yolo(folder: Path) -> None:
    for place, images in _images(folder, "images").items():
        for one in images:
            write(place / "labels" / f"{Path(_name(one)).stem}.txt", yolo(one))
    write(
        folder / "data.yaml",
        "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n\nnc: 2\nnames: ['red', 'blue']\n\n"
        "roboflow:\n  workspace: w\n  project: p\n  version: 1\n  license: CC BY 4.0\n",
    )


@layout("roboflow: YOLOv8 oriented boxes", split=True)
def _obb(folder: Path) -> None:
    _yolo(folder)
    for place, images in _images(folder, "images").items():
        for one in images:
            lines = "".join(
                f"{LABELS.index(label)} {x0 / WIDTH} {y0 / HEIGHT} {x1 / WIDTH} {y0 / HEIGHT}"
                f" {x1 / WIDTH} {y1 / HEIGHT} {x0 / WIDTH} {y1 / HEIGHT}\n"
                for label, x0, y0, x1, y1 in one.boxes
            )
            write(place / "labels" / f"{Path(_name(one)).stem}.txt", lines)


@layout("roboflow: YOLO Darknet", split=True)
def _darknet(folder: Path) -> None:
    for place, images in _images(folder).items():
        for one in images:
            write(place / f"{Path(_name(one)).stem}.txt", yolo(one))
        write(place / "_darknet.labels", "\n".join(LABELS))


@layout("roboflow: YOLO Keras", split=True)
def _keras(folder: Path) -> None:
    for place, images in _images(folder).items():
        lines = (
            " ".join(
                [_name(one), *(f"{x0},{y0},{x1},{y1},{LABELS.index(label)}" for label, x0, y0, x1, y1 in one.boxes)]
            )
            for one in images
        )
        write(place / "_annotations.txt", "\n".join(lines))
        write(place / "_classes.txt", "\n".join(LABELS))


@layout("roboflow: TensorFlow CSV", split=True)
def _csv(folder: Path) -> None:
    for place, images in _images(folder).items():
        lines = (
            f"{_name(one)},{WIDTH},{HEIGHT},{label},{x0},{y0},{x1},{y1}\n"
            for one in images
            for label, x0, y0, x1, y1 in one.boxes
        )
        write(place / "_annotations.csv", CSV_HEADER + "".join(lines))


@layout("roboflow: RetinaNet CSV", split=True)
def _retinanet(folder: Path) -> None:
    for place, images in _images(folder).items():
        lines = (
            f"{_name(one)},{x0},{y0},{x1},{y1},{label}\n" for one in images for label, x0, y0, x1, y1 in one.boxes
        )
        write(place / "_annotations.csv", "".join(lines))
        write(place / "_classes.csv", "red,0\nblue,1\n")


@layout("roboflow: TFRecord", split=True)
def _tfrecord(folder: Path) -> None:
    for part, images in split().items():
        place = folder / _PARTS[part]
        place.mkdir(parents=True)
        with (place / "shots.tfrecord").open("wb") as file, tfrecord.Writer(file) as writer:
            for one in images:
                columns = [list(column) for column in zip(*one.boxes)]
                record = features(Sample(_name(one), boxes=one.boxes, size=(WIDTH, HEIGHT), data=one.jpeg), list(LABELS))
                for side, column, extent in zip(("xmin", "ymin", "xmax", "ymax"), columns[1:], (WIDTH, HEIGHT) * 2):
                    record[f"image/object/bbox/{side}"] = (float, [value / extent for value in column])
                writer.write((tf_example.encode(record),))
        items = "".join(
            f'item {{\n    name: "{name}",\n    id: {i},\n    display_name: "{name}"\n}}\n'
            for i, name in enumerate(LABELS, 1)
        )
        write(place / "shots_label_map.pbtxt", items)


@layout("roboflow: CreateML", split=True)
def _createml(folder: Path) -> None:
    for place, images in _images(folder).items():
        entries = [{"image": _name(one), "annotations": createml(one)} for one in images]
        write(place / "_annotations.createml.json", json.dumps(entries))
