"""AP of each class before and after conversion, and how much of a class a file may lose."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from train.evaluation.coco import GroundTruth, Metrics

MAX_CLASS_DROP = 0.05

# Of fewer, one box that is found or not is a tenth of the class.
MIN_BOXES = 10

# AP of a class, file less checkpoint, on random parts of the validation images of shapes (three seeds), raccoons and
# blood cells, and of Open Images, 1,269 classes in all: of int8 files its standard deviation is 0.048 / sqrt(n) at n
# boxes, within 0.037 and 0.060 from one box to 800, and a quarter of that of fp16 files.
_NOISE = 0.05
_DEVIATIONS = 3


@dataclass(frozen=True)
class ClassFigures:
    """AP and AP50 of a class in a file, `boxes` labelled in the validation images, and the checkpoint's AP, `before`.

    A figure is None where the images show no box of the class, and `before` also where nothing is known of it.
    """

    label: str
    boxes: int
    ap: float | None
    ap50: float | None
    before: float | None

    @property
    def drop(self) -> float:
        """What the file loses against the checkpoint; negative where it gains, 0 where one of both is not known."""
        return 0.0 if self.ap is None or self.before is None else self.before - self.ap

    def as_dict(self) -> dict[str, float | int | None]:
        """For the manifest."""
        return {"AP": self.ap, "AP50": self.ap50, "checkpoint_AP": self.before, "boxes": self.boxes}


def figures(metrics: Metrics, reference: Metrics | None, truth: GroundTruth) -> tuple[ClassFigures, ...]:
    """The figures of each class of `truth`, of a file by `metrics`, of its checkpoint by `reference`."""
    boxes = Counter(box.label for image in truth.labelled() for box in image.boxes)
    before = {} if reference is None else reference.per_class
    at_50 = metrics.per_class_50
    return tuple(
        ClassFigures(label, boxes[label], metrics.per_class.get(label), at_50.get(label), before.get(label))
        for label in truth.labels
    )


def allowed_drop(boxes: int, max_drop: float = MAX_CLASS_DROP) -> float:
    """The most AP that a class with so many validation boxes may lose: `max_drop`, and the noise of the measurement.

    Rounding moves scores and boxes a little, and with each box a little is gained or lost. Over n boxes that moves AP
    by 0.05 / sqrt(n) (standard deviation), of which three are allowed: 0.047 at 10 boxes, 0.015 at 100. With the default
    that is 0.097 at 10 boxes; the greatest loss of a good file with 10 boxes or more was 0.072.
    """
    return max_drop + _DEVIATIONS * _NOISE / math.sqrt(boxes)


def lost(classes: Sequence[ClassFigures], max_drop: float = MAX_CLASS_DROP) -> tuple[ClassFigures, ...]:
    """The classes with at least MIN_BOXES boxes that lose more than `allowed_drop`, the greatest loss first."""
    judged = (item for item in classes if item.boxes >= MIN_BOXES)
    return tuple(sorted((c for c in judged if c.drop > allowed_drop(c.boxes, max_drop)), key=lambda item: -item.drop))
