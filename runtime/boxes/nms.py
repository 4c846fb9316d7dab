"""Non-maximum suppression, as `TFLite_Detection_PostProcess` does it.

Source of the rules: NonMaxSuppressionSingleClassHelper and ComputeIntersectionOverUnion of
tensorflow/lite/kernels/detection_postprocess.cc; in float32, as there, so that boxes on the edge fall
on the same side.
"""

from __future__ import annotations

from typing import Dict, Iterable, List, Sequence, Tuple

import numpy as np

from runtime.boxes.iou import iou


class Kept:
    """Takes boxes, the highest score first, and keeps at most `most` of them.

    A box goes where it overlaps one that was kept before it by more than `iou`; boxes without area
    overlap nothing.
    """

    def __init__(self, most: int, iou: float) -> None:
        self._most = most
        self._iou = np.float32(iou)
        self._seen = 0
        self._places: List[int] = []
        self._kept: List[np.ndarray] = []

    @property
    def full(self) -> bool:
        """Whether `most` boxes are kept."""
        return len(self._places) >= self._most

    @property
    def places(self) -> np.ndarray:
        """Which were kept, counted over all that were added: rising, int [M]."""
        return np.array(self._places, np.intp)

    @property
    def boxes(self) -> np.ndarray:
        """Those that were kept, float32 [M, 4]."""
        return np.array(self._kept, np.float32).reshape(-1, 5)[:, :4]

    def add(self, boxes: np.ndarray) -> None:
        """The next boxes, float32 [K, 4] as ymin, xmin, ymax, xmax."""
        places = np.arange(self._seen, self._seen + len(boxes))
        self._seen += len(boxes)
        # The fifth row is the area. One quantity a row, so that those that go leave all at once.
        rest = np.vstack([boxes.T, (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])])
        for box in self._kept:
            places, rest = self._without(places, rest, box)
        while places.size and not self.full:
            self._places.append(int(places[0]))
            self._kept.append(rest[:, 0])
            places, rest = self._without(places[1:], rest[:, 1:], rest[:, 0])

    def _without(self, places: np.ndarray, rest: np.ndarray, box: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """What does not overlap `box`."""
        stay = ~(iou(rest, box, rest[4], box[4]) > self._iou)
        return places[stay], rest[:, stay]


def best_of_equal_boxes(boxes: Iterable[Sequence[float]]) -> List[int]:
    """Places, rising, of the first of each group of boxes, of four numbers each, that are the very same."""
    first: Dict[Tuple[float, ...], int] = {}
    # Boxes are few: a dictionary is quicker than NumPy's sorting of rows.
    for place, box in enumerate(boxes):
        first.setdefault(tuple(box), place)
    return list(first.values())


def suppress(boxes: np.ndarray, iou: float) -> np.ndarray:
    """Places, rising, of the boxes float [M, 4] that overlap none before them by more than `iou`."""
    kept = Kept(len(boxes), iou)
    kept.add(np.asarray(boxes, np.float32))
    return kept.places
