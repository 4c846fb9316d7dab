"""How far two models agree about one image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Sequence

import numpy as np

from runtime.boxes.iou import iou
from runtime.common.values import Detection

# As in COCO's AP50 and PASCAL VOC: from this IoU on two boxes are one object.
SAME = 0.5


@dataclass(frozen=True)
class Agreement:
    """Numbers of objects: found by both models, and by one of them only."""

    both: int
    first_only: int
    second_only: int


def agreement(first: Sequence[Detection], second: Sequence[Detection]) -> Agreement:
    """Matches detections of one class by IoU, those with higher scores in `first` first."""
    left = list(second)
    both = 0
    for item in sorted(first, key=lambda item: -item.score):
        place = best_match(item, left)
        if place >= 0:
            both += 1
            del left[place]
    return Agreement(both, len(first) - both, len(left))


def best_match(item: Detection, others: List[Detection], least: float = SAME) -> int:
    """The place in `others` of the detection of the same class with the greatest IoU with `item`; -1 below `least`."""
    if not others:
        return -1
    own = np.array(item.box.as_tuple(), np.float32)
    boxes = np.array([other.box.as_tuple() for other in others], np.float32).T
    areas = np.array([other.box.area for other in others], np.float32)
    ious = iou(own[:, np.newaxis], boxes, np.array(item.box.area, np.float32), areas)
    ious[[other.label != item.label for other in others]] = 0.0
    place = int(ious.argmax())
    return place if ious[place] >= least else -1
