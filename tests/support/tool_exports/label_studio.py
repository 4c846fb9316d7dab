"""Label Studio's exports. Uploaded images get eight letters of a hash before their names."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.tool_exports import HEIGHT, LABELS, WIDTH, Truth, coco, layout, truth, voc, write, yolo


def _name(one: Truth) -> str:
    return f"{sum(one.jpeg):08x}-{one.stem}.jpg"


def _shares(one: Truth, **more: object) -> list:
    return [
        {
            "x": 100 * x0 / WIDTH,
            "y": 100 * y0 / HEIGHT,
            "width": 100 * (x1 - x0) / WIDTH,
            "height": 100 * (y1 - y0) / HEIGHT,
            "rotation": 0,
            "rectanglelabels": [label],
            **more,
        }
        for label, x0, y0, x1, y1 in one.boxes
    ]


@layout("label studio: JSON")
def _json(folder: Path) -> None:
    tasks = []
    for number, one in enumerate(truth(), 1):
        one.save(folder / "images", _name(one))
        result = [
            {
                "original_width": WIDTH,
                "original_height": HEIGHT,
                "image_rotation": 0,
                "value": value,
                "id": f"b{index}",
                "from_name": "label",
                "to_name": "image",
                "type": "rectanglelabels",
                "origin": "manual",
            }
            for index, value in enumerate(_shares(one))
        ]
        annotation = {"id": number, "completed_by": 1, "result": result, "was_cancelled": False, "task": number}
        tasks.append(
            {
                "id": number,
                "annotations": [annotation],
                "file_upload": _name(one),
                "drafts": [],
                "predictions": [],
                "data": {"image": f"/data/upload/1/{_name(one)}"},
                "meta": {},
                "project": 1,
            }
        )
    write(folder / "project-1-at-2026-01-02-03-04-abcdef01.json", json.dumps(tasks))


@layout("label studio: JSON-MIN of the images as they were before the upload")
def _json_min(folder: Path) -> None:
    tasks = []
    for number, one in enumerate(truth(), 1):
        one.save(folder / "images")
        label = _shares(one, original_width=WIDTH, original_height=HEIGHT)
        tasks.append({"image": f"/data/upload/1/{_name(one)}", "id": number, "label": label, "annotator": 1, "lead_time": 3.2})
    write(folder / "project-1-at-2026-01-02.json", json.dumps(tasks))


@layout("label studio: CSV")
def _csv(folder: Path) -> None:
    lines = ["annotation_id,annotator,created_at,id,image,label,lead_time,updated_at\n"]
    for number, one in enumerate(truth(), 1):
        one.save(folder / "images", _name(one))
        text = json.dumps(_shares(one, original_width=WIDTH, original_height=HEIGHT)).replace('"', '""')
        lines.append(f'{number},1,2026-01-02T03:04:05Z,{number},/data/upload/1/{_name(one)},"{text}",3.2,2026-01-02T03:04:05Z\n')
    write(folder / "project-1.csv", "".join(lines))


@layout("label studio: COCO with images")
def _coco(folder: Path) -> None:
    for one in truth():
        one.save(folder / "images", _name(one))
    names = {one.stem: f"images/{_name(one)}" for one in truth()}
    data = coco(truth(), first=0, names=names)
    for annotation in data["annotations"]:
        annotation |= {"ignore": 0}
    write(folder / "result.json", json.dumps(data))


@layout("label studio: COCO, file names of the server")
def _coco_paths(folder: Path) -> None:
    for one in truth():
        one.save(folder / "images", _name(one))
    names = {one.stem: f"../../label-studio/label-studio/media/upload/1/{_name(one)}" for one in truth()}
    data = coco(truth(), first=0, names=names)
    for annotation in data["annotations"]:
        annotation |= {"ignore": 0}
    write(folder / "result.json", json.dumps(data))


@layout("label studio: YOLO with images")
def _yolo(folder: Path) -> None:
    for one in truth():
        one.save(folder / "images", _name(one))
        write(folder / "labels" / f"{Path(_name(one)).stem}.txt", yolo(one))
    write(folder / "classes.txt", "red\nblue\n")
    categories = [{"id": i, "name": name} for i, name in enumerate(LABELS)]
    write(folder / "notes.json", json.dumps({"categories": categories, "info": {"year": 2026, "version": "1.0"}}))


@layout("label studio: YOLO without images, put beside those before the upload")
def _yolo_own_images(folder: Path) -> None:
    for one in truth():
        one.save(folder / "images")
        write(folder / "labels" / f"{Path(_name(one)).stem}.txt", yolo(one))
    write(folder / "classes.txt", "red\nblue\n")


@layout("label studio: PASCAL VOC")
def _voc(folder: Path) -> None:
    for one in truth():
        one.save(folder / "images", _name(one))
        write(folder / "Annotations" / f"{Path(_name(one)).stem}.xml", voc(one, _name(one)))
