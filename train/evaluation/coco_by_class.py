"""pycocotools' evaluation of boxes, one class at a time.

pycocotools keeps the matches of all classes, images and ranges of areas at once: 0.6 MB an image with 365 classes. A
class at a time, the matches of one class are in memory. The figures are pycocotools' own to the last digit, because
matching and accumulation are its own. Only for an image that has no box of the class there is nothing to match.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pycocotools.cocoeval import COCOeval

if TYPE_CHECKING:
    from pycocotools.coco import COCO

_Annotation = dict[str, Any]
# An image and a category, by their numbers in the ground truth.
_Key = tuple[int, int]


@dataclass(frozen=True)
class Rows:
    """D detections: `image` and `category` int64 [D], `score` float64 [D], `box` float64 [D, 4] (x, y, width, height).

    The detections of an image follow each other.
    """

    image: np.ndarray
    category: np.ndarray
    score: np.ndarray
    box: np.ndarray


def evaluate(truth: COCO, rows: Rows) -> COCOeval:
    """The evaluation of the detections `rows`, with `stats`, and with `precision` and `recall` in `eval`.

    Prints what pycocotools prints.
    """
    annotations: dict[int, list[_Annotation]] = defaultdict(list)
    for annotation in truth.dataset["annotations"]:
        annotations[annotation["category_id"]].append(annotation)
    whole = COCOeval(truth, iouType="bbox")
    order = np.argsort(rows.category, kind="stable")
    categories = np.unique(whole.params.catIds)
    starts, ends = (np.searchsorted(rows.category[order], categories, side) for side in ("left", "right"))
    parts = []
    for number, start, end in zip(categories.tolist(), starts, ends):
        chosen = order[start:end]
        one = _OneClass(number, annotations[number], rows.image[chosen], rows.score[chosen], rows.box[chosen])
        one.evaluate()
        one.accumulate()
        parts.append(one.eval)
    whole.eval = {name: np.concatenate([part[name] for part in parts], axis) for name, axis in _CLASS_AXES.items()}
    whole.summarize()
    return whole


# The axis of the classes in pycocotools' arrays.
_CLASS_AXES = {"precision": 2, "recall": 1}


class _OneClass(COCOeval):  # type: ignore[misc]  # pycocotools ships no types
    """The evaluation of one class, with the images that have boxes or detections of it."""

    def __init__(
        self, category: int, truth: Sequence[_Annotation], images: np.ndarray, scores: np.ndarray, boxes: np.ndarray
    ):
        super().__init__(iouType="bbox")
        self.params.catIds = [category]
        self.params.imgIds = sorted({annotation["image_id"] for annotation in truth} | set(images.tolist()))
        self._category = category
        self._truth = truth
        self._found = images, scores, boxes

    def _prepare(self) -> None:
        self._gts: Mapping[_Key, list[_Annotation]] = defaultdict(list)
        self._dts: Mapping[_Key, list[_Annotation]] = defaultdict(list)
        for annotation in self._truth:
            annotation["ignore"] = annotation["iscrowd"]
            self._gts[annotation["image_id"], self._category].append(annotation)
        images, scores, boxes = self._found
        begins = np.sort(np.unique(images, return_index=True)[1]).tolist()
        unmatched: list[int] = []
        # Where in `unmatched` the detections are of an image without a box of the class, the highest score first.
        self._places: dict[int, slice] = {}
        for start, end in zip(begins, [*begins[1:], len(images)]):
            image = int(images[start])
            if (image, self._category) in self._gts:
                self._dts[image, self._category].extend(
                    {"id": row + 1, "score": scores[row], "bbox": box, "area": box[2] * box[3], "iscrowd": 0}
                    for row, box in enumerate(boxes[start:end].tolist(), start)
                )
            else:
                best = start + np.argsort(-scores[start:end], kind="mergesort")[: self.params.maxDets[-1]]
                self._places[image] = slice(len(unmatched), len(unmatched) + len(best))
                unmatched += best.tolist()
        self._scores = scores[unmatched]
        areas = boxes[unmatched, 2] * boxes[unmatched, 3]
        thresholds = len(self.params.iouThrs)
        self._no_matches = np.zeros((thresholds, len(areas)))
        self._outside = {
            tuple(area): np.tile((areas < area[0]) | (areas > area[1]), (thresholds, 1)) for area in self.params.areaRng
        }
        self.evalImgs: list[Any] = []
        self.eval: dict[str, np.ndarray] = {}

    def computeIoU(self, image: int, category: int) -> Any:
        """The IoUs of an image; none where there is nothing to match."""
        return [] if image in self._places else super().computeIoU(image, category)

    def evaluateImg(self, image: int, category: int, area: Sequence[float], most: int) -> Any:
        """The matches in an image. A detection that is not matched is ignored outside the range of areas."""
        place = self._places.get(image)
        if place is None:
            return super().evaluateImg(image, category, area, most)
        return {
            "dtScores": self._scores[place],
            "dtMatches": self._no_matches[:, place],
            "dtIgnore": self._outside[tuple(area)][:, place],
            "gtIgnore": _NOTHING,
        }


_NOTHING = np.zeros(0)
