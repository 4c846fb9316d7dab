"""Small data sets in the JSON exports of labelling services, for `tool_samples`: each writes one file for `images`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

from tests.support.format_samples import Sample

LABELS = ("cat", "dog")


def _size(sample: Sample) -> dict[str, int]:
    return {"width": sample.size[0], "height": sample.size[1]}


def _corner(box: Sequence) -> dict[str, int]:
    return {"left": box[1], "top": box[2], "width": box[3] - box[1], "height": box[4] - box[2]}


def _xywh(box: Sequence) -> list[int]:
    return [box[1], box[2], box[3] - box[1], box[4] - box[2]]


def _lines(path: Path, rows: Sequence[dict]) -> None:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def vott(place: Path, images: Sequence[Sample]) -> None:
    """VoTT's JSON export."""
    assets = {}
    for number, sample in enumerate(images):
        regions = [{"id": "r", "type": "RECTANGLE", "tags": [box[0]], "boundingBox": _corner(box)} for box in sample.boxes]
        asset = {"format": "jpg", "id": f"{number:032x}", "name": sample.name, "path": f"file:C:/me/{sample.name}", "size": _size(sample)}
        assets[asset["id"]] = {"asset": asset, "regions": regions, "version": "2.2.0"}
    (place / "things-export.json").write_text(json.dumps({"name": "things", "tags": [], "assets": assets}))


def datumaro(place: Path, images: Sequence[Sample]) -> None:
    """Datumaro's JSON."""
    items = []
    for sample in images:
        rows = [{"id": 0, "type": "bbox", "label_id": LABELS.index(box[0]), "bbox": _xywh(box)} for box in sample.boxes]
        items.append({"id": sample.stem, "annotations": rows, "image": {"path": sample.name, "size": [*sample.size[::-1]]}})
    labels = [{"name": name, "parent": ""} for name in LABELS]
    (place / "default.json").write_text(json.dumps({"info": {}, "categories": {"label": {"labels": labels}}, "items": items}))


def fiftyone(place: Path, images: Sequence[Sample]) -> None:
    """FiftyOne's labels.json."""
    labels = {}
    for sample in images:
        sides = [*sample.size] * 2
        labels[sample.stem] = [
            {"label": LABELS.index(box[0]), "bounding_box": [side / whole for side, whole in zip(_xywh(box), sides)]}
            for box in sample.boxes
        ]
    (place / "labels.json").write_text(json.dumps({"classes": LABELS, "labels": labels}))


def hugging_face(place: Path, images: Sequence[Sample]) -> None:
    """The metadata.jsonl of an ImageFolder."""
    rows = []
    for sample in images:
        objects = {"bbox": [_xywh(box) for box in sample.boxes], "categories": [box[0] for box in sample.boxes]}
        rows.append({"file_name": sample.name, "objects": objects})
    _lines(place / "metadata.jsonl", rows)


def sagemaker(place: Path, images: Sequence[Sample]) -> None:
    """The output manifest of Ground Truth."""
    rows = []
    for sample in images:
        boxes = [{"class_id": LABELS.index(box[0]), **_corner(box)} for box in sample.boxes]
        metadata = {"class-map": dict(zip("01", LABELS)), "type": "groundtruth/object-detection"}
        job = {"annotations": boxes, "image_size": [{**_size(sample), "depth": 3}]}
        rows.append({"source-ref": f"s3://bucket/{sample.name}", "things": job, "things-metadata": metadata})
    _lines(place / "output.manifest", rows)


def labelbox(place: Path, images: Sequence[Sample]) -> None:
    """The NDJSON of an export."""
    rows = []
    for sample in images:
        objects = [
            {"name": box[0], "value": box[0], "annotation_kind": "ImageBoundingBox", "bounding_box": _corner(box)} for box in sample.boxes
        ]
        projects = {"c1": {"name": "things", "labels": [{"label_kind": "Default", "annotations": {"objects": objects}}]}}
        row = {"id": "c2", "external_id": sample.name, "row_data": f"https://storage.example/{sample.name}?token=x"}
        rows.append({"data_row": row, "media_attributes": _size(sample), "projects": projects})
    _lines(place / "export.ndjson", rows)


def darwin(place: Path, images: Sequence[Sample]) -> None:
    """A file of V7 for each image."""
    for sample in images:
        rows = [
            {"id": "a", "name": box[0], "slot_names": ["0"], "bounding_box": dict(zip("xywh", _xywh(box)))} for box in sample.boxes
        ]
        slot = {"type": "image", "slot_name": "0", **_size(sample), "source_files": [{"file_name": sample.name}]}
        data = {"version": "2.0", "item": {"name": sample.name, "path": "/", "slots": [slot]}, "annotations": rows}
        (place / f"{sample.stem}.json").write_text(json.dumps(data))


def scalabel(place: Path, images: Sequence[Sample]) -> None:
    """A list of frames, as BDD100K has it."""
    frames = []
    for sample in images:
        labels = [
            {"id": "1", "category": label, "attributes": {}, "box2d": dict(zip(("x1", "y1", "x2", "y2"), sides))}
            for label, *sides in sample.boxes
        ]
        frames.append({"name": sample.name, "attributes": {"weather": "clear"}, "timestamp": 10000, "labels": labels})
    (place / "det.json").write_text(json.dumps(frames))


def dataturks(place: Path, images: Sequence[Sample]) -> None:
    """A line for each image, in a file that is called .json."""
    rows = []
    for sample in images:
        width, height = sample.size
        shapes = [
            {
                "label": [label], "shape": "rectangle", "imageWidth": width, "imageHeight": height,
                "points": [{"x": xmin / width, "y": ymin / height}, {"x": xmax / width, "y": ymax / height}],
            }
            for label, xmin, ymin, xmax, ymax in sample.boxes
        ]  # fmt: skip
        rows.append({"content": f"http://com.dataturks.example/{sample.name}", "annotation": shapes, "extras": None})
    _lines(place / "things.json", rows)


def dlib(place: Path, images: Sequence[Sample]) -> None:
    """The XML of imglab."""
    rows = []
    for sample in images:
        boxes = ""
        for box in sample.boxes:
            sides = " ".join(f"{name}='{value}'" for name, value in _corner(box).items())
            boxes += f"<box {sides}><label>{box[0]}</label></box>"
        rows.append(f"<image file={quoteattr(sample.name)}>{boxes}</image>\n")
    text = "".join(rows)
    (place / "imglab.xml").write_text(f"<?xml version='1.0'?>\n<dataset>\n<name>things</name>\n<images>\n{text}</images>\n</dataset>\n")


def edge_impulse(place: Path, images: Sequence[Sample]) -> None:
    """The boxes of the images in a folder; images without boxes are in the list of files alone."""
    boxes = {
        sample.name: [{"label": box[0], **dict(zip(("x", "y", "width", "height"), _xywh(box)))} for box in sample.boxes]
        for sample in images
    }
    data = {"version": 1, "type": "bounding-box-labels", "boundingBoxes": boxes}
    (place / "bounding_boxes.labels").write_text(json.dumps(data))


def unity_perception(place: Path, images: Sequence[Sample]) -> None:
    """SOLO: a file for each frame."""
    for number, sample in enumerate(images):
        values = [
            {"instanceId": 1, "labelId": 1, "labelName": box[0], "origin": _xywh(box)[:2], "dimension": _xywh(box)[2:]}
            for box in sample.boxes
        ]
        annotation = {"@type": "type.unity.com/unity.solo.BoundingBox2DAnnotation", "id": "bounding box", "values": values}
        capture = {
            "@type": "type.unity.com/unity.solo.RGBCamera", "id": "camera", "filename": sample.name, "imageFormat": "Jpg",
            "dimension": [*sample.size], "annotations": [annotation],
        }  # fmt: skip
        data = {"frame": number, "sequence": number, "step": 0, "captures": [capture]}
        (place / f"step{number}.frame_data.json").write_text(json.dumps(data))


def yolo_keras(place: Path, images: Sequence[Sample]) -> None:
    """Roboflow's YOLO Keras."""
    lines = []
    for sample in images:
        boxes = (",".join(map(str, [*sides, LABELS.index(label)])) for label, *sides in sample.boxes)
        lines.append(" ".join([sample.name, *boxes]) + "\n")
    (place / "_annotations.txt").write_text("".join(lines))
    (place / "_classes.txt").write_text("".join(f"{name}\n" for name in LABELS))


WRITERS = {
    "darwin": darwin, "dataturks": dataturks, "datumaro": datumaro, "dlib": dlib, "edge_impulse": edge_impulse, "fiftyone": fiftyone, "hugging_face": hugging_face,
    "labelbox": labelbox, "sagemaker": sagemaker, "scalabel": scalabel, "unity_perception": unity_perception, "vott": vott, "yolo_keras": yolo_keras,
}  # fmt: skip
