"""What a detector finds otherwise than a person has labelled: one of the two is wrong, and a person decides which."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional

import numpy as np

from runtime.common.values import Box
from train.label.proposals import ProposedImage

# COCO's loosest match; below it, two boxes are two objects.
_SAME = 0.5
# Boxes that people draw twice around the same object agree more than this.
_EXACT = 0.75


class Kind(enum.Enum):
    """What differs, as people say it."""

    MISSED = "found, but not labelled"
    EXTRA = "labelled, but not found"
    CLASS = "labelled as another class"
    MOVED = "labelled elsewhere"


@dataclass(frozen=True)
class Difference:
    """One object. `label` and `score` are the detector's (None where it finds none), `labelled` the person's class."""

    image: str
    kind: Kind
    box: Box
    label: Optional[str]
    score: Optional[float]
    labelled: Optional[str]
    iou: float = 0.0

    @property
    def weight(self) -> float:
        """How surely something is wrong, in 0..1: the detector's score; an object that it misses may just be hard."""
        return 0.3 if self.score is None else self.score


def differences(image: ProposedImage) -> Iterator[Difference]:
    """What differs in an image that has boxes. Each box is matched once, the surest detection first."""
    boxes = list(image.boxes or ())
    for found in sorted(image.detections, key=lambda item: -item.score):
        ious = [_iou(found.box, item.box) for item in boxes]
        # Of boxes that lie alike, that of the same class.
        place = max(range(len(boxes)), key=lambda at: (ious[at] >= _SAME, boxes[at].label == found.label, ious[at]), default=-1)
        if place < 0 or ious[place] < _SAME:
            yield Difference(image.name, Kind.MISSED, found.box, found.label, found.score, None)
            continue
        iou, labelled = ious[place], boxes.pop(place).label
        if labelled != found.label:
            yield Difference(image.name, Kind.CLASS, found.box, found.label, found.score, labelled, iou)
        elif iou < _EXACT:
            yield Difference(image.name, Kind.MOVED, found.box, found.label, found.score, labelled, iou)
    for item in boxes:
        if not item.difficult:
            yield Difference(image.name, Kind.EXTRA, item.box, None, None, item.label)


def _iou(one: Box, other: Box) -> float:
    width = min(one.xmax, other.xmax) - max(one.xmin, other.xmin)
    height = min(one.ymax, other.ymax) - max(one.ymin, other.ymin)
    shared = float(np.clip(width, 0, None) * np.clip(height, 0, None))
    whole = one.area + other.area - shared
    return shared / whole if whole > 0 else 0.0
