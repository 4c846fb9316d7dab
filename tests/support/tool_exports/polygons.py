"""LabelMe, VGG Image Annotator and Supervisely."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.tool_exports import HEIGHT, LABELS, WIDTH, Truth, layout, split, truth, write


def _labelme(one: Truth, path: str) -> str:
    shapes = [
        {"label": label, "points": [[x0, y0], [x1, y1]], "group_id": None, "shape_type": "rectangle", "flags": {}}
        for label, x0, y0, x1, y1 in one.boxes
    ]
    data = {"version": "5.5.0", "flags": {}, "shapes": shapes, "imagePath": path, "imageData": None}
    return json.dumps(data | {"imageHeight": HEIGHT, "imageWidth": WIDTH}, indent=2)


@layout("labelme: JSON beside the images")
def _labelme_beside(folder: Path) -> None:
    for one in truth():
        write(folder / f"{one.stem}.json", _labelme(one, one.save(folder)))


@layout("labelme: JSON in another folder")
def _labelme_apart(folder: Path) -> None:
    for one in truth():
        one.save(folder / "images")
        write(folder / "annotations" / f"{one.stem}.json", _labelme(one, f"..\\images\\{one.stem}.jpg"))


@layout("labelme: polygons, parts", split=True)
def _labelme_polygons(folder: Path) -> None:
    for part, images in split().items():
        for one in images:
            data = json.loads(_labelme(one, one.save(folder / part)))
            for shape in data["shapes"]:
                (x0, y0), (x1, y1) = shape["points"]
                shape |= {"points": [[x0, y0], [x1, y0], [x1, y1], [x0, y1]], "shape_type": "polygon"}
            write(folder / part / f"{one.stem}.json", json.dumps(data))


def _regions(one: Truth) -> list:
    return [
        {
            "shape_attributes": {"name": "rect", "x": x0, "y": y0, "width": x1 - x0, "height": y1 - y0},
            "region_attributes": {"class": label},
        }
        for label, x0, y0, x1, y1 in one.boxes
    ]


def _via(images: tuple[Truth, ...]) -> dict:
    return {
        f"{one.stem}.jpg{len(one.jpeg)}": {
            "filename": f"{one.stem}.jpg",
            "size": len(one.jpeg),
            "regions": _regions(one),
            "file_attributes": {},
        }
        for one in images
    }


@layout("via 2: project")
def _via_project(folder: Path) -> None:
    for one in truth():
        one.save(folder)
    options = {"description": "", "options": dict.fromkeys(LABELS, ""), "default_options": {}, "type": "dropdown"}
    data = {
        "_via_settings": {"ui": {}, "core": {"filepath": {}, "default_filepath": ""}, "project": {"name": "shots"}},
        "_via_img_metadata": _via(truth()),
        "_via_attributes": {"region": {"class": options}, "file": {}},
        "_via_data_format_version": "2.0.10",
        "_via_image_id_list": list(_via(truth())),
    }
    write(folder / "via_project_2Jan2026_3h4m.json", json.dumps(data))


@layout("via 2: annotations as JSON, in the parts of the balloon example", split=True)
def _via_json(folder: Path) -> None:
    for part, images in split().items():
        for one in images:
            one.save(folder / part)
        write(folder / part / "via_region_data.json", json.dumps(_via(images)))


@layout("via 1: regions as a dictionary, polygons")
def _via_one(folder: Path) -> None:
    for one in truth():
        one.save(folder)
    data = _via(truth())
    for entry in data.values():
        for region in entry["regions"]:
            shape = region["shape_attributes"]
            x0, y0, x1, y1 = shape["x"], shape["y"], shape["x"] + shape["width"], shape["y"] + shape["height"]
            shape = {"name": "polygon", "all_points_x": [x0, x1, x1, x0], "all_points_y": [y0, y0, y1, y1]}
            region["shape_attributes"] = shape
        entry["regions"] = {str(i): region for i, region in enumerate(entry["regions"])}
        entry |= {"fileref": "", "base64_img_data": ""}
    write(folder / "via_region_data.json", json.dumps(data))


@layout("via 2: CSV")
def _via_csv(folder: Path) -> None:
    header = "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n"
    lines = [header]
    for one in truth():
        one.save(folder)
        for number, region in enumerate(_regions(one)):
            shape, attributes = (json.dumps(region[f"{key}_attributes"]).replace('"', '""') for key in ("shape", "region"))
            lines.append(f'{one.stem}.jpg,{len(one.jpeg)},"{{}}",{len(one.boxes)},{number},"{shape}","{attributes}"\n')
    write(folder / "via_export_csv.csv", "".join(lines))


@layout("supervisely: project of two datasets", split=True)
def _supervisely(folder: Path) -> None:
    for part, images in split().items():
        for one in images:
            name = one.save(folder / part / "img")
            objects = [
                {
                    "id": number,
                    "classId": LABELS.index(label),
                    "geometryType": "rectangle",
                    "classTitle": label,
                    "tags": [],
                    "points": {"exterior": [[x0, y0], [x1, y1]], "interior": []},
                }
                for number, (label, x0, y0, x1, y1) in enumerate(one.boxes)
            ]
            data = {"description": "", "tags": [], "size": {"height": HEIGHT, "width": WIDTH}, "objects": objects}
            write(folder / part / "ann" / f"{name}.json", json.dumps(data))
    classes = [{"title": name, "shape": "rectangle", "color": "#FF0000", "id": i} for i, name in enumerate(LABELS)]
    write(folder / "meta.json", json.dumps({"classes": classes, "tags": [], "projectType": "images"}))
