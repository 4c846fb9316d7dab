"""Small data sets in the labelling tools' own formats, written from the same description as `format_samples`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

from tests.support import export_samples
from tests.support.format_samples import SIZE, Sample

OWN = ("cvat", "frigate", "label_studio", "labelme", "supervisely", "via")
TOOLS = (*OWN, *export_samples.WRITERS)


def write(tool: str, folder: Path, images: Sequence[Sample]) -> Path:
    """Writes `images` to `folder` as that tool exports them, a folder for each part; returns `folder`."""
    for part in dict.fromkeys(sample.part for sample in images):
        inside = [sample for sample in images if sample.part == part]
        place = folder / part
        place.mkdir(parents=True)
        for sample in inside:
            path = place / ("img" if tool == "supervisely" else ".") / _image_name(tool, sample)
            path.parent.mkdir(exist_ok=True)
            if sample.data is not None:
                path.write_bytes(sample.data)
        _WRITERS[tool](place, inside)
    return folder


def _event_id(sample: Sample) -> str:
    return f"17189871{sum(map(ord, sample.stem)) % 100:02}.{sum(map(ord, sample.stem)):06}-abc{sample.stem[-1]}ef"


def _image_name(tool: str, sample: Sample) -> str:
    return f"door-{_event_id(sample)}-clean.jpg" if tool == "frigate" else sample.name


def _cvat(place: Path, images: Sequence[Sample]) -> None:
    entries = []
    for number, sample in enumerate(images):
        boxes = "".join(
            f'<box label={quoteattr(label)} occluded="0" source="manual" xtl="{xmin}" ytl="{ymin}" xbr="{xmax}" ybr="{ymax}" z_order="0"></box>'
            for label, xmin, ymin, xmax, ymax in sample.boxes
        )
        width, height = sample.size
        entries.append(f'<image id="{number}" name={quoteattr(sample.name)} width="{width}" height="{height}">{boxes}</image>')
    (place / "annotations.xml").write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version><meta><task><name>t</name></task></meta>'
        f"{''.join(entries)}</annotations>"
    )


def _frigate(place: Path, images: Sequence[Sample]) -> None:
    """An event has one box."""
    events = []
    for sample in images:
        for label, xmin, ymin, xmax, ymax in sample.boxes:
            box = [xmin / SIZE[0], ymin / SIZE[1], (xmax - xmin) / SIZE[0], (ymax - ymin) / SIZE[1]]
            data = {"attributes": [], "box": box, "region": [0, 0, 1, 1], "score": 0.8, "top_score": 0.8, "type": "object"}
            event = {"id": _event_id(sample), "camera": "door", "label": label, "sub_label": None, "start_time": 1718987129.3}
            events.append({**event, "has_clip": True, "has_snapshot": True, "zones": [], "thumbnail": "", "data": data})
    (place / "events.json").write_text(json.dumps(events))


def _label_studio(place: Path, images: Sequence[Sample]) -> None:
    tasks = []
    for number, sample in enumerate(images, 1):
        result = []
        for index, (label, xmin, ymin, xmax, ymax) in enumerate(sample.boxes):
            x, y = xmin / SIZE[0] * 100, ymin / SIZE[1] * 100
            width, height = (xmax - xmin) / SIZE[0] * 100, (ymax - ymin) / SIZE[1] * 100
            value = {"x": x, "y": y, "width": width, "height": height, "rotation": 0, "rectanglelabels": [label]}
            item = {"id": f"r{index}", "type": "rectanglelabels", "from_name": "label", "to_name": "image", "value": value}
            result.append({**item, "original_width": sample.size[0], "original_height": sample.size[1], "image_rotation": 0})
        annotation = {"id": number, "completed_by": 1, "result": result, "was_cancelled": False, "ground_truth": False}
        data = {"image": f"/data/upload/1/0a1b2c3d-{sample.name}"}
        tasks.append({"id": number, "annotations": [annotation], "predictions": [], "drafts": [], "data": data})
    (place / "project-1.json").write_text(json.dumps(tasks))


def _labelme(place: Path, images: Sequence[Sample]) -> None:
    for sample in images:
        shapes = [
            {"label": label, "points": [[xmin, ymin], [xmax, ymax]], "group_id": None, "shape_type": "rectangle", "flags": {}}
            for label, xmin, ymin, xmax, ymax in sample.boxes
        ]
        size = {"imageWidth": sample.size[0], "imageHeight": sample.size[1]}
        data = {"version": "5.4.1", "flags": {}, "shapes": shapes, "imagePath": sample.name, "imageData": None, **size}
        (place / f"{sample.stem}.json").write_text(json.dumps(data))


def _supervisely(place: Path, images: Sequence[Sample]) -> None:
    (place / "ann").mkdir()
    for sample in images:
        objects = [
            {"classTitle": label, "geometryType": "rectangle", "tags": [], "points": {"exterior": [[xmin, ymin], [xmax, ymax]], "interior": []}}
            for label, xmin, ymin, xmax, ymax in sample.boxes
        ]
        size = {"width": sample.size[0], "height": sample.size[1]}
        (place / "ann" / f"{sample.name}.json").write_text(json.dumps({"description": "", "tags": [], "size": size, "objects": objects}))


def _via(place: Path, images: Sequence[Sample]) -> None:
    data = {}
    for sample in images:
        regions = [
            {
                "shape_attributes": {"name": "rect", "x": xmin, "y": ymin, "width": xmax - xmin, "height": ymax - ymin},
                "region_attributes": {"type": label},
            }
            for label, xmin, ymin, xmax, ymax in sample.boxes
        ]
        data[f"{sample.name}123"] = {"filename": sample.name, "size": 123, "regions": regions, "file_attributes": {}}
    (place / "via_region_data.json").write_text(json.dumps(data))


_WRITERS = {
    "cvat": _cvat,
    "frigate": _frigate,
    "label_studio": _label_studio,
    "labelme": _labelme,
    "supervisely": _supervisely,
    "via": _via,
    **export_samples.WRITERS,
}
