"""VoTT 2's exports."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.tool_exports import HEIGHT, WIDTH, layout, truth, voc, write


@layout("vott: CSV")
def _csv(folder: Path) -> None:
    lines = ['"image","xmin","ymin","xmax","ymax","label"\n']
    for one in truth():
        one.save(folder / "vott-csv-export")
        lines += [f'"{one.stem}.jpg",{x0:.13f},{y0},{x1},{y1},"{label}"\n' for label, x0, y0, x1, y1 in one.boxes]
    write(folder / "vott-csv-export" / "shots-export.csv", "".join(lines))


@layout("vott: JSON")
def _json(folder: Path) -> None:
    assets = {}
    for number, one in enumerate(truth()):
        place = folder / "vott-json-export"
        one.save(place)
        asset = {
            "format": "jpg",
            "id": f"{number:032x}",
            "name": f"{one.stem}.jpg",
            "path": f"file:C:/Users/me/shots/{one.stem}.jpg",
            "size": {"width": WIDTH, "height": HEIGHT},
            "state": 2,
            "type": 1,
        }
        regions = [
            {
                "id": f"r{index}",
                "type": "RECTANGLE",
                "tags": [label],
                "boundingBox": {"height": y1 - y0, "width": x1 - x0, "left": x0, "top": y0},
                "points": [{"x": x0, "y": y0}, {"x": x1, "y": y0}, {"x": x1, "y": y1}, {"x": x0, "y": y1}],
            }
            for index, (label, x0, y0, x1, y1) in enumerate(one.boxes)
        ]
        assets[asset["id"]] = {"asset": asset, "regions": regions, "version": "2.2.0"}
    tags = [{"name": "red", "color": "#5db300"}, {"name": "blue", "color": "#e81123"}]
    data = {"name": "shots", "securityToken": "x", "videoSettings": {"frameExtractionRate": 15}, "tags": tags, "assets": assets}
    write(folder / "vott-json-export" / "shots-export.json", json.dumps(data))


@layout("vott: PASCAL VOC")
def _voc(folder: Path) -> None:
    place = folder / "shots-PascalVOC-export"
    for one in truth():
        one.save(place / "JPEGImages")
        write(place / "Annotations" / f"{one.stem}.xml", voc(one, folder="Annotation"))
    for label in ("red", "blue"):
        write(place / "ImageSets" / "Main" / f"{label}_train.txt", "".join(f"{one.stem}.jpg 1\n" for one in truth()[:4]))
        write(place / "ImageSets" / "Main" / f"{label}_val.txt", "".join(f"{one.stem}.jpg 1\n" for one in truth()[4:]))
    write(place / "pascal_label_map.pbtxt", "item {\n id: 1\n name: 'red'\n}\nitem {\n id: 2\n name: 'blue'\n}\n")
