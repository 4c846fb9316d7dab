"""Thousands of damaged annotation files give examples or a one-line error, quickly, and write no other files."""

from __future__ import annotations

import json
import random
import signal
from pathlib import Path

import pytest

from runtime.common.errors import KitError
from tests.support import format_samples as make
from tests.support import mutations, tool_samples
from tests.support.tool_samples import OWN, TOOLS
from train.dataset import formats

pytestmark = pytest.mark.long

COUNT = 2000
BOXES = (make.BOX, ("dog", 1, 2, 60, 40))
IMAGES = [make.Sample(f"p{i}.jpg", "train", BOXES, data=make.image(i)) for i in range(2)]
LABELS = ["cat", "dog"]
RECORDS = [make.features(sample, LABELS) for sample in IMAGES]

# The file of each format that is damaged, and how.
CASES = {
    "pascal_voc": ("pascal_voc", "train/p0.xml", mutations.xml_file),
    "coco": ("coco", "train/_annotations.coco.json", mutations.json_file),
    "csv": ("csv", "train/_annotations.csv", mutations.text_file),
    "csv by shape": ("csv", "train/_annotations.csv", mutations.text_file),
    "csv with cells": ("csv", "train/_annotations.csv", mutations.text_file),
    "coco with outlines": ("coco", "train/_annotations.coco.json", mutations.json_file),
    "coco in a list": ("coco", "train/_annotations.coco.json", mutations.json_file),
    "yolo description": ("yolo", "data.yaml", mutations.text_file),
    "yolo labels": ("yolo", "train/labels/p0.txt", mutations.text_file),
    "tfrecord": ("tfrecord", "train/things.tfrecord", mutations.tfrecord_file(RECORDS)),
    "label map": ("tfrecord", "train/things_label_map.pbtxt", mutations.text_file),
    "cvat": ("cvat", "train/annotations.xml", mutations.xml_file),
    "frigate": ("frigate", "train/events.json", mutations.json_file),
    "label_studio": ("label_studio", "train/project-1.json", mutations.json_file),
    "labelme": ("labelme", "train/p0.json", mutations.json_file),
    "supervisely": ("supervisely", "train/ann/p0.jpg.json", mutations.json_file),
    "via": ("via", "train/via_region_data.json", mutations.json_file),
    "darwin": ("darwin", "train/p0.json", mutations.json_file),
    "dataturks": ("dataturks", "train/things.json", mutations.text_file),
    "datumaro": ("datumaro", "train/default.json", mutations.json_file),
    "fiftyone": ("fiftyone", "train/labels.json", mutations.json_file),
    "hugging_face": ("hugging_face", "train/metadata.jsonl", mutations.text_file),
    "labelbox": ("labelbox", "train/export.ndjson", mutations.text_file),
    "sagemaker": ("sagemaker", "train/output.manifest", mutations.text_file),
    "scalabel": ("scalabel", "train/det.json", mutations.json_file),
    "vott": ("vott", "train/things-export.json", mutations.json_file),
    "yolo_keras": ("yolo_keras", "train/_annotations.txt", mutations.text_file),
}
# Files of one format share its number; those of the labelling tools share most of their code.
SHARES = {
    "coco": 0.5, "coco with outlines": 0.25, "coco in a list": 0.25, "csv": 0.5, "csv by shape": 0.25, "csv with cells": 0.25,
    "yolo description": 0.5, "yolo labels": 0.5, "tfrecord": 0.8, "label map": 0.2, **dict.fromkeys(TOOLS, 0.1), **dict.fromkeys(OWN, 0.25),
}  # fmt: skip


def by_shape(data: bytes) -> bytes:
    """A table without a header, as Roboflow writes it for RetinaNet."""
    rows = (line.split(",") for line in data.decode().splitlines()[1:])
    return "\n".join(",".join([row[0], *row[4:], row[3]]) for row in rows).encode()


def with_cells(data: bytes) -> bytes:
    """A table of the VGG Image Annotator, with JSON in its cells."""
    lines = ["filename,region_shape_attributes,region_attributes"]
    for row in (line.split(",") for line in data.decode().splitlines()[1:]):
        xmin, ymin, xmax, ymax = map(int, row[4:])
        cells = {"name": "rect", "x": xmin, "y": ymin, "width": xmax - xmin, "height": ymax - ymin}, {"class": row[3]}
        quoted = (json.dumps(cell).replace('"', '""') for cell in cells)
        lines.append(",".join([row[0], *(f'"{cell}"' for cell in quoted)]))
    return "\n".join(lines).encode()


def with_outlines(data: bytes) -> bytes:
    """COCO JSON with polygons and masks instead of boxes."""
    tree = json.loads(data)
    for number, row in enumerate(tree["annotations"]):
        x, y, width, height = row.pop("bbox")
        mask = {"size": [48, 64], "counts": [x * 48 + y, height, 48 - height, height] if number % 3 else "0123456"}
        row["segmentation"] = mask if number % 2 else [[x, y, x + width, y, x + width, y + height]]
    return json.dumps(tree).encode()


def in_a_list(data: bytes) -> bytes:
    """A list of images with their annotations, without categories."""
    tree = json.loads(data)
    for image in tree["images"]:
        rows = [row for row in tree["annotations"] if row["image_id"] == image["id"]]
        image["annotations"] = [{"bbox": row["bbox"], "label": LABELS[row["category_id"] - 1]} for row in rows]
    return json.dumps(tree["images"]).encode()


# What the file is before it is damaged, where that is not what the samples write.
REWRITTEN = {
    "csv by shape": by_shape, "csv with cells": with_cells, "coco with outlines": with_outlines, "coco in a list": in_a_list,
}  # fmt: skip


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def hang():
    """Raises where reading takes longer than any honest file could."""
    if not hasattr(signal, "setitimer"):
        pytest.skip("this system has no timers")

    def late(*_):
        raise AssertionError("reading took longer than 20 seconds")

    before = signal.signal(signal.SIGALRM, late)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("case", CASES)
def test_damaged_files(tmp_path, monkeypatch, hang, case):
    format, name, structured = CASES[case]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    reader = formats.find(format)
    if format in TOOLS:
        folder = tool_samples.write(format, tmp_path / "data", IMAGES)
    else:
        folder = make.write(format, tmp_path / "data", IMAGES, LABELS)
    (folder / "data.yaml").exists() and (folder / "data.yaml").write_text("train: train/images\nnames: [cat, dog]\n")
    if case in REWRITTEN:
        (folder / name).write_bytes(REWRITTEN[case]((folder / name).read_bytes()))
    assert len(reader.read(folder).train) == 2
    good = (folder / name).read_bytes()
    there = files(folder)
    rng = random.Random(0)
    ended = {"examples": 0, "errors": 0}
    for _ in range(int(COUNT * SHARES.get(case, 1))):
        data = (structured if rng.random() < 0.6 else mutations.flipped)(good, rng)
        (folder / name).write_bytes(data)
        signal.setitimer(signal.ITIMER_REAL, 20)
        try:
            reader.score(folder)
            examples = reader.read(folder).train
        except KitError as error:
            message = str(error)
            assert message and "\n" not in message and len(message) < 2000, data
            ended["errors"] += 1
            continue
        ended["examples"] += 1
        for item in (item for example in examples for item in example.boxes):
            assert 0 <= item.box.xmin < item.box.xmax <= 64 and 0 <= item.box.ymin < item.box.ymax <= 48, data
            assert item.label and item.label.isprintable(), data
    # Damage that is always or never noticed would test little.
    assert min(ended.values()) > 0, ended
    assert files(folder) == there
    assert files(tmp_path) - there == files(tmp_path / "cache/edge-detection-kit/pictures")
