"""LabelImg, RectLabel and makesense.ai."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.tool_exports import HEIGHT, LABELS, WIDTH, layout, split, truth, voc, write, yolo


@layout("labelimg: XML beside the images, paths of Windows")
def _beside(folder: Path) -> None:
    for one in truth():
        one.save(folder)
        write(folder / f"{one.stem}.xml", voc(one, path=f"C:\\Users\\me\\Desktop\\{one.stem}.jpg"))


@layout("labelimg: XML in a folder of its own")
def _apart(folder: Path) -> None:
    for one in truth():
        one.save(folder / "pictures")
        write(folder / "xml" / f"{one.stem}.xml", voc(one))


@layout("labelimg: YOLO beside the images")
def _yolo(folder: Path) -> None:
    for one in truth():
        one.save(folder)
        write(folder / f"{one.stem}.txt", yolo(one))
    write(folder / "classes.txt", "".join(f"{label}\n" for label in LABELS))


@layout("labelimg: YOLO, the default classes of its data folder", split=True)
def _yolo_parts(folder: Path) -> None:
    for part, images in split().items():
        for one in images:
            one.save(folder / part)
            write(folder / part / f"{one.stem}.txt", yolo(one))
        write(folder / part / "classes.txt", "".join(f"{label}\n" for label in LABELS))


@layout("labelimg: CreateML")
def _createml(folder: Path) -> None:
    entries = [{"image": one.save(folder), "verified": False, "annotations": createml(one)} for one in truth()]
    write(folder / "annotations.json", json.dumps(entries))


def createml(one) -> list:
    """Boxes of CreateML: the centre and the size in pixels."""
    return [
        {
            "label": label,
            "coordinates": {"x": (x0 + x1) / 2, "y": (y0 + y1) / 2, "width": x1 - x0, "height": y1 - y0},
        }
        for label, x0, y0, x1, y1 in one.boxes
    ]


@layout("makesense.ai: CSV without a header")
def _makesense(folder: Path) -> None:
    lines = []
    for one in truth():
        one.save(folder / "images")
        lines += [
            f"{label},{x0},{y0},{x1 - x0},{y1 - y0},{one.stem}.jpg,{WIDTH},{HEIGHT}\n" for label, x0, y0, x1, y1 in one.boxes
        ]
    write(folder / "labels_my-project-name_2026-01-02-03-04-05.csv", "".join(lines))


@layout("makesense.ai: CSV with a header")
def _makesense_header(folder: Path) -> None:
    _makesense(folder)
    table = next(folder.glob("*.csv"))
    header = "label_name,bbox_x,bbox_y,bbox_width,bbox_height,image_name,image_width,image_height\n"
    table.write_text(header + table.read_text())


@layout("makesense.ai: YOLO, labels and a list of names")
def _makesense_yolo(folder: Path) -> None:
    for one in truth():
        one.save(folder / "images")
        write(folder / "labels_my-project" / f"{one.stem}.txt", yolo(one))
    write(folder / "labels.txt", "".join(f"{label}\n" for label in LABELS))


@layout("rectlabel: CSV")
def _rectlabel(folder: Path) -> None:
    lines = ["image_path,xmin,ymin,xmax,ymax,label\n"]
    for one in truth():
        one.save(folder)
        lines += [f"{one.stem}.jpg,{x0},{y0},{x1},{y1},{label}\n" for label, x0, y0, x1, y1 in one.boxes]
    write(folder / "annotations.csv", "".join(lines))
