"""How far two models agree about one image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Sequence

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
    # In plain Python: there are few, and NumPy takes longer for its calls alone.
    place, greatest = -1, max(least, 0.0)
    box, area = item.box, item.box.area
    for number, other in enumerate(others):
        if other.label != item.label:
            continue
        width = min(box.xmax, other.box.xmax) - max(box.xmin, other.box.xmin)
        height = min(box.ymax, other.box.ymax) - max(box.ymin, other.box.ymin)
        if width <= 0 or height <= 0:
            continue
        shared = width * height
        ratio = shared / (area + other.box.area - shared)
        if ratio > greatest or (place < 0 and ratio == greatest):
            place, greatest = number, ratio
    return place
