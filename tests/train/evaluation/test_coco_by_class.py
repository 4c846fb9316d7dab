"""Evaluation one class at a time gives the figures of pycocotools to the last digit."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from train.evaluation import coco_by_class
from train.evaluation.coco_by_class import Rows


def random_truth(rng: np.random.Generator, images: int, classes: int) -> COCO:
    """Boxes of all sizes, some of them crowds; the last class has none, and an image has up to eight."""
    truth = COCO()
    annotations = []
    for image in range(images):
        for _ in range(rng.integers(0, 9)):
            x, y, width, height = rng.uniform((0, 0, 4, 4), (300, 300, 200, 200))
            category = int(rng.integers(1, classes))
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": 7 * image,
                    "category_id": category,
                    "bbox": [x, y, width, height],
                    "area": width * height,
                    "iscrowd": int(rng.random() < 0.1),
                }
            )
    truth.dataset = {
        "images": [{"id": 7 * image} for image in range(images)],
        "annotations": annotations,
        "categories": [{"id": category} for category in range(1, classes + 1)],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
    return truth


def random_rows(rng: np.random.Generator, truth: COCO, classes: int) -> Rows:
    """Detections near boxes and elsewhere, of the box's class or another; many have equal scores."""
    rows = []
    # Not in the order of the numbers, and one image has none.
    for image in rng.permutation([item["id"] for item in truth.dataset["images"]])[1:]:
        for annotation in truth.imgToAnns[image]:
            for _ in range(rng.integers(0, 4)):
                category = annotation["category_id"] if rng.random() < 0.8 else rng.integers(1, classes + 1)
                box = np.array(annotation["bbox"]) * rng.uniform(0.8, 1.2, 4)
                rows.append((image, *box, rng.integers(20) / 20, category))
        rows += [
            (image, *rng.uniform(1, 300, 4), rng.integers(20) / 20, rng.integers(1, classes + 1))
            for _ in range(rng.integers(0, 130))
        ]
    values = np.array(rows, np.float64).reshape(-1, 7)
    return Rows(values[:, 0].astype(np.int64), values[:, 6].astype(np.int64), values[:, 5], values[:, 1:5])


@pytest.mark.parametrize(("seed", "classes"), [(0, 2), (1, 6), (2, 40)])
def test_figures_are_those_of_pycocotools(seed, classes):
    rng = np.random.default_rng(seed)
    truth = random_truth(rng, 12, classes)
    rows = random_rows(rng, truth, classes)
    with contextlib.redirect_stdout(io.StringIO()):
        ours = coco_by_class.evaluate(truth, rows)
        results = truth.loadRes(np.column_stack((rows.image, rows.box, rows.score, rows.category)))
        whole = COCOeval(truth, results, "bbox")
        whole.evaluate()
        whole.accumulate()
        whole.summarize()
    np.testing.assert_array_equal(ours.stats, whole.stats)
    for name in ("precision", "recall"):
        np.testing.assert_array_equal(ours.eval[name], whole.eval[name])
    assert 0 < whole.stats[0] < 1
