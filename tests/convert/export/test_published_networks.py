"""Published folders of the Object Detection API give files that find what the API itself finds."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from convert.__main__ import main
from convert.contract import consumers, contract
from runtime.inference.detector import Detector
from runtime.model import tflite
from train.checkpoints.coco_labels import COCO_LABELS

pytestmark = pytest.mark.long

FOLDERS = (
    "tf1_ssd_mobilenet_v2_coco_2018_03_29",
    "ssd_mobilenet_v2_320x320",
    "tf1_ssdlite_mobiledet_edgetpu_320x320_coco_sync_4x4",
)
# What 16-bit weights change in scores and in the sides of boxes, which are up to 1.
SCORE, SIDE = 0.01, 0.01


@pytest.mark.parametrize("folder", FOLDERS)
def test_detections_are_those_of_the_object_detection_api(folder, shared, tmp_path):
    assert main([str(shared / "networks" / f"ckpt_{folder}"), "--fp16", "--out", str(tmp_path)]) == 0
    file = tmp_path / "detector_fp16.tflite"
    works_everywhere(file)
    detector = Detector(file, score=0.0, all_labels=True)
    golden = np.load(shared / "networks" / f"golden_{folder}.npz")
    assert golden["size"].tolist() == [detector.size, detector.size]
    for index in range(2):
        image = golden[f"image_{index}"][..., ::-1]
        found = [(item, in_fractions(item.box, image)) for item in detector(image)]
        compare(found, *(golden[f"post_detection_{name}"][index] for name in ("classes", "scores", "boxes")))


def test_its_int8_file_works_everywhere(shared, tmp_path):
    """The weights are made up, so that its detections are no measure: rounding adds up along layers nobody trained."""
    golden = np.load(shared / "networks" / "golden_ssd_mobilenet_v2_320x320.npz")
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "0.png"), golden["image_0"][..., ::-1])
    folder = shared / "networks" / "ckpt_ssd_mobilenet_v2_320x320"
    given = [str(folder), "--int8", "--no-gate", "--calibration-images", str(tmp_path / "images")]
    assert main([*given, "--out", str(tmp_path)]) == 0
    works_everywhere(tmp_path / "detector_int8.tflite")


def compare(found, classes, scores, boxes):
    """Every golden detection but the last few, which another order of nearly equal scores may cut off, is found."""
    assert len(found) == len(scores) == 100
    missing = []
    for number, score, box in zip(classes, scores, boxes):
        label = COCO_LABELS.names[int(number)]
        near = (sides for item, sides in found if item.label == label and abs(item.score - score) < SCORE)
        if not any(np.abs(sides - box).max() < SIDE for sides in near):
            missing.append(score)
    assert [score for score in missing if score > scores[-1] + SCORE] == []
    assert len(missing) <= 5


def in_fractions(box, image):
    height, width = image.shape[:2]
    return np.array([box.ymin / height, box.xmin / width, box.ymax / height, box.xmax / width])


def works_everywhere(file):
    model = tflite.Model.read(file)
    assert contract.violations(model) == ()
    assert all(verdict.works for verdict in consumers.verdicts(model))
