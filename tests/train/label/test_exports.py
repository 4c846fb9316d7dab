"""Exports are read by the tools' own importers, with the same boxes and classes."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from tests.support import tiny_detector
from tests.support.reader_environment import LABEL_TOOLS, environment, run_script
from train.label.__main__ import main as label

pytestmark = pytest.mark.long

FORMATS = {"yolo": "yolo", "cvat": "cvat", "coco": "coco", "pascal_voc": "voc_detection", "label_studio": "label_studio"}
NAMES = ("a b", "c", "ä")
# What the model finds in every image of 100 x 80: class, and left, top, width and height.
FOUND = [["cat", [0, 0, 100, 80]], ["dog", [20, 8, 40, 32]]]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports")
    model = folder / "detector.tflite"
    model.write_bytes(tiny_detector.build(signature={"output_0": 3, "output_1": 2, "output_2": 1, "output_3": 0}))
    model.with_suffix(".txt").write_text("cat\ndog\nfox\n")
    (folder / "photos").mkdir()
    for name in NAMES:
        cv2.imwrite(str(folder / "photos" / f"{name}.jpg"), np.full((80, 100, 3), 90, np.uint8))
    for kind in FORMATS:
        words = ["--model", str(model), "--out", str(folder / kind), "--to", kind, "--score", "0.5"]
        assert label([str(folder / "photos"), *words]) == 0
    _as_datumaro_places_them(folder)
    return folder


def _as_datumaro_places_them(folder):
    """COCO and VOC files are as they are written; Datumaro wants them in folders of these names."""
    (folder / "coco" / "annotations").mkdir()
    (folder / "coco" / "annotations.json").rename(folder / "coco" / "annotations" / "instances_default.json")
    voc = folder / "pascal_voc"
    (voc / "annotations").rename(voc / "Annotations")
    (voc / "images").rename(voc / "JPEGImages")
    (voc / "ImageSets" / "Main").mkdir(parents=True)
    (voc / "ImageSets" / "Main" / "default.txt").write_text("".join(f"{name}\n" for name in NAMES), encoding="utf-8")


def read(folder, *kinds):
    python, out = environment("label-tools", LABEL_TOOLS), folder / "read.json"
    run_script(python, "read_labels.py", str(out), *(f"{FORMATS[kind]}={folder / kind}" for kind in kinds))
    return json.loads(out.read_text())


def test_datumaro_reads_the_same_boxes_and_label_studio_has_no_complaint(exported):
    found = read(exported, *FORMATS)
    assert found.pop("label_studio") == []
    assert len(found) == 4
    for kind, images in found.items():
        assert sorted(images) == sorted(NAMES), kind
        for boxes in images.values():
            assert [name for name, _ in sorted(boxes)] == ["cat", "dog"], kind
            # VOC counts pixels from 1, and its readers differ in whether they heed that.
            within = 1.01 if kind == "voc_detection" else 0.01
            assert np.abs(np.subtract([box for _, box in sorted(boxes)], [box for _, box in FOUND])).max() <= within, kind


def test_a_wrong_class_is_found(exported):
    tasks = exported / "label_studio" / "tasks.json"
    tasks.write_text(tasks.read_text().replace('"dog"', '"wolf"'))
    assert read(exported, "label_studio")["label_studio"]
