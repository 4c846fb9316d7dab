"""Cloud services, competitions and public data sets."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support import export_samples
from tests.support.format_samples import Sample
from tests.support.tool_exports import HEIGHT, LABELS, WIDTH, layout, split, truth, write
from tests.support.tool_exports import split as parts


@layout("automl vision: CSV of Google Cloud", split=True)
def _automl(folder: Path) -> None:
    lines = []
    for part, images in split().items():
        for one in images:
            one.save(folder / "images")
            lines += [
                f"{'TRAIN' if part == 'train' else 'VALIDATION'},gs://bucket/shots/images/{one.stem}.jpg,{label},"
                f"{x0 / WIDTH:.4f},{y0 / HEIGHT:.4f},,,{x1 / WIDTH:.4f},{y1 / HEIGHT:.4f},,\n"
                for label, x0, y0, x1, y1 in one.boxes
            ]
    write(folder / "annotations.csv", "".join(lines))


@layout("model maker: CSV with a header", split=True)
def _model_maker(folder: Path) -> None:
    lines = ["set,path,label,x_min,y_min,x_max,y_min,x_max,y_max,x_min,y_max\n"]
    for part, images in split().items():
        for one in images:
            one.save(folder)
            lines += [
                f"{'TRAIN' if part == 'train' else 'VALIDATE'},{one.stem}.jpg,{label},"
                f"{x0 / WIDTH:.4f},{y0 / HEIGHT:.4f},,,{x1 / WIDTH:.4f},{y1 / HEIGHT:.4f},,\n"
                for label, x0, y0, x1, y1 in one.boxes
            ]
    write(folder / "dataset.csv", "".join(lines))


@layout("open images: CSV and descriptions of classes", split=True)
def _open_images(folder: Path) -> None:
    header = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside\n"
    for part, images in split().items():
        name = {"train": "train", "val": "validation"}[part]
        lines = [header]
        for one in images:
            one.save(folder / name)
            lines += [
                f"{one.stem},xclick,/m/0{LABELS.index(label)}abc,1,{x0 / WIDTH:.6f},{x1 / WIDTH:.6f},{y0 / HEIGHT:.6f},"
                f"{y1 / HEIGHT:.6f},0,0,0,0,0\n"
                for label, x0, y0, x1, y1 in one.boxes
            ]
        write(folder / f"{name}-annotations-bbox.csv", "".join(lines))
    write(folder / "class-descriptions-boxable.csv", "".join(f"/m/0{i}abc,{name}\n" for i, name in enumerate(LABELS)))


@layout("kaggle: one table, boxes as a list")
def _kaggle(folder: Path) -> None:
    lines = ["image_id,width,height,bbox,source,class\n"]
    for one in truth():
        one.save(folder / "train")
        lines += [f'{one.stem},{WIDTH},{HEIGHT},"[{x0}.0, {y0}.0, {x1 - x0}.0, {y1 - y0}.0]",arvalis_1,{label}\n' for label, x0, y0, x1, y1 in one.boxes]
    write(folder / "train.csv", "".join(lines))


@layout("kaggle: image, left, top, width, height, class, semicolons")
def _kaggle_wide(folder: Path) -> None:
    lines = [";image;x;y;width;height;class_name\n"]
    number = 0
    for one in truth():
        one.save(folder / "images")
        for label, x0, y0, x1, y1 in one.boxes:
            lines.append(f"{number};{one.stem}.jpg;{x0};{y0};{x1 - x0};{y1 - y0};{label}\n")
            number += 1
    write(folder / "labels.csv", "".join(lines))


@layout("sagemaker ground truth: manifest")
def _sagemaker(folder: Path) -> None:
    lines = []
    for one in truth():
        one.save(folder / "images")
        boxes = [
            {"class_id": LABELS.index(label), "left": x0, "top": y0, "width": x1 - x0, "height": y1 - y0}
            for label, x0, y0, x1, y1 in one.boxes
        ]
        entry = {
            "source-ref": f"s3://bucket/shots/{one.stem}.jpg",
            "shots": {"annotations": boxes, "image_size": [{"width": WIDTH, "height": HEIGHT, "depth": 3}]},
            "shots-metadata": {
                "class-map": {str(i): name for i, name in enumerate(LABELS)},
                "type": "groundtruth/object-detection",
                "human-annotated": "yes",
            },
        }
        lines.append(json.dumps(entry) + "\n")
    write(folder / "output.manifest", "".join(lines))


@layout("hugging face: imagefolder with metadata.jsonl", split=True)
def _hugging_face(folder: Path) -> None:
    for part, images in split().items():
        lines = []
        for one in images:
            name = one.save(folder / {"train": "train", "val": "validation"}[part])
            boxes = [[x0, y0, x1 - x0, y1 - y0] for _, x0, y0, x1, y1 in one.boxes]
            labels = [label for label, *_ in one.boxes]
            lines.append(json.dumps({"file_name": name, "objects": {"bbox": boxes, "categories": labels}}) + "\n")
        write(folder / {"train": "train", "val": "validation"}[part] / "metadata.jsonl", "".join(lines))


@layout("kitti: label_2 beside image_2")
def _kitti(folder: Path) -> None:
    for one in truth():
        one.save(folder / "training" / "image_2")
        lines = (
            f"{label} 0.00 0 -1.57 {x0}.00 {y0}.00 {x1}.00 {y1}.00 1.65 1.67 3.64 -0.65 1.71 46.70 -1.59\n"
            for label, x0, y0, x1, y1 in one.boxes
        )
        write(folder / "training" / "label_2" / f"{one.stem}.txt", "".join(lines))


@layout("fiftyone: image detection data set")
def _fiftyone(folder: Path) -> None:
    labels = {}
    for one in truth():
        one.save(folder / "data")
        labels[one.stem] = [
            {
                "label": LABELS.index(label),
                "bounding_box": [x0 / WIDTH, y0 / HEIGHT, (x1 - x0) / WIDTH, (y1 - y0) / HEIGHT],
            }
            for label, x0, y0, x1, y1 in one.boxes
        ]
    write(folder / "labels.json", json.dumps({"classes": list(LABELS), "labels": labels}))


@layout("frigate: snapshots and the answer of /api/events")
def _frigate(folder: Path) -> None:
    events = []
    for number, one in enumerate(truth()):
        for label, x0, y0, x1, y1 in one.boxes[:1]:
            id = f"{1718987129 + number}.308396-fqk5k{number}"
            one.save(folder / "clips", f"front-{id}.jpg")
            box = [x0 / WIDTH, y0 / HEIGHT, (x1 - x0) / WIDTH, (y1 - y0) / HEIGHT]
            data = {"box": box, "region": [0, 0, 1, 1], "score": 0.8, "top_score": 0.9, "type": "object"}
            events.append({"id": id, "camera": "front", "label": label, "sub_label": None, "has_snapshot": True, "data": data})
    write(folder / "events.json", json.dumps(events))


def _by_sample(name: str, writer: str, *, split: bool = False) -> None:
    """Registers a layout of a folder for each part, written by that writer of `export_samples`."""

    @layout(name, split=split)
    def _write(folder: Path) -> None:
        for part, images in parts().items():
            (folder / part).mkdir()
            samples = [Sample(one.save(folder / part), part, one.boxes, (WIDTH, HEIGHT)) for one in images]
            export_samples.WRITERS[writer](folder / part, samples)


for _name, _writer in (
    ("labelbox: NDJSON", "labelbox"),
    ("v7: Darwin JSON", "darwin"),
    ("dataturks: JSON lines", "dataturks"),
    ("bdd100k: Scalabel's list of frames", "scalabel"),
):
    _by_sample(_name, _writer, split=True)
