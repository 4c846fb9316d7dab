"""Labelled boxes and detections drawn onto pixels, for loggers that take images."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from runtime.common.values import Box, Detection
from train.dataset.examples.example import LabelledBox

# RGB: green for what is labelled, red for what is found.
_LABELLED, _FOUND = (40, 200, 60), (230, 50, 50)
_WIDTH = 640


def draw(
    image: np.ndarray, labelled: Iterable[LabelledBox], found: Iterable[Detection] = (), least_score: float = 0.3
) -> np.ndarray:
    """`image`, uint8 [height, width, 3], with labelled boxes in green and detections in red, if it is in RGB.

    Boxes are in pixels of `image`. Detections below `least_score` are left out. A copy, at most 640 pixels wide.
    """
    scale = min(1.0, _WIDTH / image.shape[1])
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1 else image.copy()
    small = np.ascontiguousarray(small)
    for item in labelled:
        _box(small, item.box, scale, item.label, _LABELLED)
    for detection in found:
        if detection.score >= least_score:
            _box(small, detection.box, scale, f"{detection.label} {detection.score:.2f}", _FOUND)
    return small


def _box(image: np.ndarray, box: Box, scale: float, text: str, color: tuple[int, int, int]) -> None:
    xmin, ymin, xmax, ymax = (round(side * scale) for side in box.as_tuple())
    cv2.rectangle(image, (xmin, ymin), (xmax, ymax), color, 2)
    # Above the box, or inside it at the upper border of the image.
    baseline = ymin - 4 if ymin > 16 else ymin + 14
    cv2.putText(image, text, (xmin + 2, baseline), cv2.FONT_HERSHEY_SIMPLEX, 0.45, color, 1, cv2.LINE_AA)
