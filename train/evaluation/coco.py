"""COCO average precision and recall, computed by pycocotools."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from runtime.common.values import Box, Detection, Labels
from train.dataset.examples.example import Example, LabelledBox
from train.evaluation import coco_json

if TYPE_CHECKING:
    from train.evaluation import coco_by_class

FIGURES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")


@dataclass(frozen=True)
class Image:
    """An image of the ground truth, with its size in pixels. Detections refer to its `id`."""

    id: str
    width: int
    height: int


@dataclass(frozen=True)
class LabelledImage:
    """The labelled boxes of the image `id`."""

    id: str
    boxes: tuple[LabelledBox, ...]


class GroundTruth:
    """Labelled boxes that detections are evaluated against.

    Made by `from_examples` or `from_json`. `labels` are the class names; the class of a detection is compared by name.
    """

    def __init__(self, dataset: Mapping[str, Any], ids: Sequence[str], labels: Labels, categories: Mapping[str, int]):
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
        """The ground truth of `examples`, with their ids."""
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        ids: list[str] = []
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
    def from_json(cls, path: str | os.PathLike[str]) -> GroundTruth:
        """The ground truth of a COCO JSON file, with the images' file names as ids.

        Raises InputError if the file is missing, not JSON, or not in COCO's format.
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
        """The COCO metrics of the detections `found`, which are given by image id.

        An image without an entry has no detections. Detections with a label that is not a class of the ground truth are
        ignored.
        """
        from train.evaluation import coco_by_class

        with contextlib.redirect_stdout(io.StringIO()):
            evaluation = coco_by_class.evaluate(self._coco, self._rows(found))
        # [IoU thresholds, recalls, classes, area ranges, max detections]; -1 where a class has no box.
        precision = evaluation.eval["precision"][:, :, :, 0, -1]
        by_number = {number: precision[:, :, i] for i, number in enumerate(evaluation.params.catIds)}
        per_class = {name: _mean(by_number[number]) for name, number in self._categories.items()}
        per_class_50 = {name: _mean(by_number[number][0]) for name, number in self._categories.items()}
        figures = {name: float(value) if value > -1 else None for name, value in zip(FIGURES, evaluation.stats)}
        return Metrics(figures, per_class, len(self.images), per_class_50)

    def _rows(self, found: Mapping[str, Iterable[Detection]]) -> coco_by_class.Rows:
        from train.evaluation import coco_by_class

        images: list[int] = []
        # The values of one image at a time are Python objects: of 2,000,000 detections they would be a gigabyte.
        parts = [np.zeros((0, 6))]
        for id, detections in found.items():
            rows = [
                (d.box.xmin, d.box.ymin, d.box.width, d.box.height, d.score, self._categories[d.label])
                for d in detections
                if d.label in self._categories
            ]
            images += [self._numbers[id]] * len(rows)
            parts.append(np.array(rows, np.float64).reshape(-1, 6))
        values = np.concatenate(parts)
        return coco_by_class.Rows(
            np.array(images, np.int64), values[:, 5].astype(np.int64), values[:, 4], values[:, :4]
        )


def _mean(precision: np.ndarray) -> float | None:
    known = precision[precision > -1]
    return float(known.mean()) if known.size else None


@dataclass(frozen=True)
class Metrics:
    """The twelve COCO metrics by name (`FIGURES`), AP and AP50 of each class, and the number of images.

    A metric is None if the ground truth has no box for it, as APs is without small boxes.
    """

    figures: dict[str, float | None]
    per_class: dict[str, float | None]
    images: int
    per_class_50: dict[str, float | None] = field(default_factory=dict)

    def __getitem__(self, name: str) -> float | None:
        return self.figures[name]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Metrics:
        """The metrics from the result of `as_dict`; other keys are ignored. Raises KeyError if a metric is missing."""
        figures = {name: values[name] for name in FIGURES}
        return cls(figures, dict(values["per_class"]), values["images"], dict(values["per_class_50"]))

    def as_dict(self) -> dict[str, Any]:
        """The metrics as a dictionary for JSON."""
        return {**self.figures, "images": self.images, "per_class": self.per_class, "per_class_50": self.per_class_50}

    def table(self) -> str:
        """A table of two aligned columns: the metrics, AP of each class, and the number of images."""
        rows = [(name, self.figures[name]) for name in FIGURES]
        rows += [(f"AP {name}", value) for name, value in self.per_class.items()]
        width = max(len(name) for name, _ in rows)
        lines = [f"{name:<{width}}  {'   -' if value is None else f'{value:.4f}'}" for name, value in rows]
        return "\n".join([*lines, f"{'images':<{width}}  {self.images}"])
