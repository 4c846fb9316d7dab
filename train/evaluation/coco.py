"""COCO average precision by pycocotools."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from runtime.common.values import Box, Detection, Labels
from train.dataset.examples.example import Example, LabelledBox
from train.evaluation import coco_json

FIGURES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")


@dataclass(frozen=True)
class Image:
    """An image of the ground truth. `id` is what detections refer to."""

    id: str
    width: int
    height: int


@dataclass(frozen=True)
class LabelledImage:
    """The labelled boxes of the image `id`."""

    id: str
    boxes: tuple[LabelledBox, ...]


class GroundTruth:
    """Labelled boxes that detections are measured against.

    Made from a data set's examples or from a COCO JSON file; `labels` are the class names that
    detections are matched by.
    """

    def __init__(self, dataset: Mapping, ids: Sequence[str], labels: Labels, categories: Mapping[str, int]):
        from pycocotools.coco import COCO

        with contextlib.redirect_stdout(io.StringIO()):
            self._coco = COCO()
            self._coco.dataset = dict(dataset)
            self._coco.createIndex()
        self._numbers = {id: image["id"] for id, image in zip(ids, dataset["images"])}
        self._categories = dict(categories)
        self.labels = labels
        self.images = tuple(Image(id, image["width"], image["height"]) for id, image in zip(ids, dataset["images"]))

    @classmethod
    def from_examples(cls, examples: Iterable[Example], labels: Labels) -> GroundTruth:
        """Ground truth of examples; ids are the examples' own."""
        images, annotations, ids = [], [], []
        for number, example in enumerate(examples, start=1):
            ids.append(example.id)
            images.append({"id": number, "width": example.width, "height": example.height})
            for item in example.boxes:
                box = item.box
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": number,
                        "category_id": labels.index(item.label) + 1,
                        "bbox": [box.xmin, box.ymin, box.width, box.height],
                        "area": box.area,
                        "iscrowd": 0,
                    }
                )
        categories = {name: number for number, name in enumerate(labels, start=1)}
        dataset = {
            "images": images,
            "annotations": annotations,
            "categories": [{"id": number, "name": name} for name, number in categories.items()],
        }
        return cls(dataset, ids, labels, categories)

    @classmethod
    def from_json(cls, path: str | os.PathLike) -> GroundTruth:
        """Ground truth of a COCO JSON file; ids are the images' file names.

        Raises InputError where the file is missing, not JSON, or lacks what COCO's format has.
        """
        dataset = coco_json.read(path)
        ids = [image["file_name"] for image in dataset["images"]]
        categories = {item["name"]: item["id"] for item in sorted(dataset["categories"], key=lambda item: item["id"])}
        return cls(dataset, ids, Labels(tuple(categories)), categories)

    def labelled(self) -> tuple[LabelledImage, ...]:
        """The images with their boxes, crowds left out."""
        names = {number: name for name, number in self._categories.items()}
        boxes: dict[int, list[LabelledBox]] = {number: [] for number in self._numbers.values()}
        for annotation in self._coco.dataset["annotations"]:
            if not annotation.get("iscrowd"):
                x, y, width, height = annotation["bbox"]
                label = names[annotation["category_id"]]
                boxes[annotation["image_id"]].append(LabelledBox(label, Box(x, y, x + width, y + height)))
        return tuple(LabelledImage(id, tuple(boxes[number])) for id, number in self._numbers.items())

    def measure(self, found: Mapping[str, Iterable[Detection]]) -> Metrics:
        """COCO figures of the detections `found` for each image id.

        An image without an entry counts as one where nothing was found. Detections whose label is
        not among the ground truth's classes are not counted.
        """
        from pycocotools.cocoeval import COCOeval

        rows = [
            (self._numbers[id], d.box.xmin, d.box.ymin, d.box.width, d.box.height, d.score, self._categories[d.label])
            for id, detections in found.items()
            for d in detections
            if d.label in self._categories
        ]
        with contextlib.redirect_stdout(io.StringIO()):
            results = self._coco.loadRes(np.asarray(rows, np.float64)) if rows else self._nothing()
            evaluation = COCOeval(self._coco, results, "bbox")
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
        # [IoU thresholds, recalls, classes, area ranges, max detections]; -1 where there is no box.
        precision = evaluation.eval["precision"][:, :, :, 0, -1]
        by_number = {number: precision[:, :, i] for i, number in enumerate(evaluation.params.catIds)}
        per_class = {name: _mean(by_number[number]) for name, number in self._categories.items()}
        per_class_50 = {name: _mean(by_number[number][0]) for name, number in self._categories.items()}
        figures = {name: float(value) if value > -1 else None for name, value in zip(FIGURES, evaluation.stats)}
        return Metrics(figures, per_class, len(self.images), per_class_50)

    def _nothing(self):
        """Results without a detection, which `loadRes` cannot make."""
        from pycocotools.coco import COCO

        results = COCO()
        results.dataset = {**self._coco.dataset, "annotations": []}
        results.createIndex()
        return results


def _mean(precision: np.ndarray) -> float | None:
    known = precision[precision > -1]
    return float(known.mean()) if known.size else None


@dataclass(frozen=True)
class Metrics:
    """COCO's twelve figures, AP and AP50 of each class, and the number of images.

    A figure is None where the ground truth has no box for it (no small ones, say).
    """

    figures: dict[str, float | None]
    per_class: dict[str, float | None]
    images: int
    per_class_50: dict[str, float | None] = field(default_factory=dict)

    def __getitem__(self, name: str) -> float | None:
        return self.figures[name]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Metrics:
        """What `as_dict` gave, with whatever else beside it. Raises KeyError where a figure is missing."""
        return cls({name: values[name] for name in FIGURES}, dict(values["per_class"]), values["images"], dict(values["per_class_50"]))

    def as_dict(self) -> dict:
        return {**self.figures, "images": self.images, "per_class": self.per_class, "per_class_50": self.per_class_50}

    def table(self) -> str:
        """Two aligned columns: figures first, then AP by class."""
        rows = [(name, self.figures[name]) for name in FIGURES]
        rows += [(f"AP {name}", value) for name, value in self.per_class.items()]
        width = max(len(name) for name, _ in rows)
        lines = [f"{name:<{width}}  {'   -' if value is None else f'{value:.4f}'}" for name, value in rows]
        return "\n".join([*lines, f"{'images':<{width}}  {self.images}"])
