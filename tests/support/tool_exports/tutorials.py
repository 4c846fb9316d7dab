"""Folders as tutorials of the TensorFlow Object Detection API, Darknet and Ultralytics leave them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.tool_exports import CSV_HEADER, LABELS, coco, csv, layout, split, truth, voc, write, yolo

_PARTS = {"train": "train", "val": "test"}


@layout("tutorial: images/train, images/test, CSV of both, records beside, label map", split=True)
def _objectdetection(folder: Path) -> None:
    for part, images in split().items():
        for one in images:
            one.save(folder / "images" / _PARTS[part])
            write(folder / "images" / _PARTS[part] / f"{one.stem}.xml", voc(one, folder=part))
        write(folder / "images" / f"{_PARTS[part]}_labels.csv", CSV_HEADER + csv(images))
    write(folder / "training" / "labelmap.pbtxt", "item {\n  id: 1\n  name: 'red'\n}\nitem {\n  id: 2\n  name: 'blue'\n}\n")
    write(folder / "generate_tfrecord.py", "import tensorflow as tf\n")
    write(folder / "training" / "pipeline.config", "model { ssd { num_classes: 2 } }\n")


@layout("tutorial: raccoon, one CSV of all and one a part", split=True)
def _raccoon(folder: Path) -> None:
    for one in truth():
        one.save(folder / "images")
        write(folder / "annotations" / f"{one.stem}.xml", voc(one))
    write(folder / "data" / "shots_labels.csv", CSV_HEADER + csv(truth()))
    for part, images in split().items():
        write(folder / "data" / f"{_PARTS[part]}_labels.csv", CSV_HEADER + csv(images))
    write(folder / "split labels.ipynb", json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))


@layout("tutorial: PASCAL VOC's devkit", split=True)
def _devkit(folder: Path) -> None:
    place = folder / "VOCdevkit" / "VOC2012"
    for one in truth():
        one.save(place / "JPEGImages")
        write(place / "Annotations" / f"{one.stem}.xml", voc(one, folder="VOC2012"))
    for part, images in split().items():
        write(place / "ImageSets" / "Main" / f"{part}.txt", "".join(f"{one.stem}\n" for one in images))
    write(place / "ImageSets" / "Main" / "trainval.txt", "".join(f"{one.stem}\n" for one in truth()))


@layout("tutorial: Darknet on Colab", split=True)
def _darknet(folder: Path) -> None:
    for one in truth():
        one.save(folder / "obj")
        write(folder / "obj" / f"{one.stem}.txt", yolo(one))
    for part, images in split().items():
        lines = "".join(f"/content/drive/MyDrive/yolov4/darknet/data/obj/{one.stem}.jpg\n" for one in images)
        write(folder / f"{_PARTS[part]}.txt", lines)
    write(
        folder / "obj.data",
        "classes = 2\ntrain  = /content/drive/MyDrive/yolov4/darknet/data/train.txt\n"
        "valid  = /content/drive/MyDrive/yolov4/darknet/data/test.txt\nnames = /content/drive/MyDrive/yolov4/darknet/data/obj.names\n"
        "backup = /mydrive/yolov4/backup\n",
    )
    write(folder / "obj.names", "red\nblue\n")
    write(folder / "yolov4-custom.cfg", "[net]\nbatch=64\n")


@layout("tutorial: Ultralytics, absolute paths of Windows", split=True)
def _ultralytics(folder: Path) -> None:
    for part, images in split().items():
        for one in images:
            one.save(folder / part / "images")
            write(folder / part / "labels" / f"{one.stem}.txt", yolo(one))
    write(
        folder / "data.yaml",
        "train: C:\\Users\\me\\datasets\\shots\\train\\images\nval: C:\\Users\\me\\datasets\\shots\\val\\images\nnc: 2\nnames: ['red', 'blue']\n",
    )


@layout("tutorial: coco128, validation is training")
def _coco128(folder: Path) -> None:
    for one in truth():
        one.save(folder / "images" / "train2017")
        write(folder / "labels" / "train2017" / f"{one.stem}.txt", yolo(one))
    write(
        folder / "shots.yaml",
        "path: ../datasets/shots\ntrain: images/train2017\nval: images/train2017\ntest:\nnames:\n  0: red\n  1: blue\n"
        "download: https://example.com/shots.zip\n",
    )


@layout("tutorial: COCO as the data set's own site packs it", split=True)
def _coco(folder: Path) -> None:
    for part, images in split().items():
        for one in images:
            one.save(folder / f"{part}2017")
        write(folder / "annotations" / f"instances_{part}2017.json", json.dumps(coco(images)))
    write(folder / "annotations" / "captions_train2017.json", json.dumps({"images": [], "annotations": []}))


@layout("tutorial: YOLO in a repository of YOLOv5", split=True)
def _yolov5(folder: Path) -> None:
    for part, images in split().items():
        for one in images:
            one.save(folder / "dataset" / "images" / part)
            write(folder / "dataset" / "labels" / part / f"{one.stem}.txt", yolo(one))
    write(folder / "data" / "custom.yaml", "train: ../dataset/images/train/\nval: ../dataset/images/val/\nnc: 2\nnames: [ 'red', 'blue' ]\n")
    write(folder / "models" / "yolov5s.yaml", "nc: 80\ndepth_multiple: 0.33\nbackbone:\n  [[-1, 1, Conv, [64, 6, 2, 2]]]\nhead: []\n")
    write(folder / "data" / "hyps" / "hyp.scratch.yaml", "lr0: 0.01\nmomentum: 0.937\n")
    write(folder / "requirements.txt", "torch>=1.7\n")
    write(folder / "runs" / "train" / "exp" / "opt.yaml", "weights: yolov5s.pt\nepochs: 300\n")


@layout("tutorial: frames and labels")
def _frames(folder: Path) -> None:
    for one in truth():
        one.save(folder / "frames")
        write(folder / "labels" / f"{one.stem}.txt", yolo(one))
    write(folder / "labels" / "classes.txt", "".join(f"{name}\r\n" for name in LABELS))
