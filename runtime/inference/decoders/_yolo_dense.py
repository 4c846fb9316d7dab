"""Decodes one row of values for each anchor: the centre, width and height of a box, and scores of classes."""

from __future__ import annotations

from typing import Sequence, Tuple

import numpy as np

from runtime.inference.decoders import Arrays
from runtime.inference.decoders._candidates import falling, lowest, suppressed
from runtime.inference.decoders._yolo import LEAST, MOST_CANDIDATES, MOST_DETECTIONS, in_pixels
from runtime.inference.decoders._yolo_layout import Dense
from runtime.model.ports import Port, real_values

Pairs = Tuple[np.ndarray, np.ndarray, np.ndarray]


class DenseDecoder:
    """Decodes the stored output of one file. Stored values are compared with the threshold as they are."""

    def __init__(self, layout: Dense, port: Port, iou: float) -> None:
        self._layout, self._port, self._iou = layout, port, iou
        self._size = np.array([layout.width, layout.height] * 2, np.float32)

    def __call__(self, raw: Sequence[np.ndarray], least: float = 0.0) -> Arrays:
        layout = self._layout
        # Values first: [values, anchors].
        values = raw[0][0] if layout.turned else raw[0][0].T
        least = max(least, LEAST)
        anchors, classes, scores = self._weighted(values, least) if layout.objectness else self._plain(values, least)
        order = falling(scores, MOST_CANDIDATES)
        anchors, classes, scores = anchors[order], classes[order], scores[order]
        scale = self._scale(values)
        places, boxes = suppressed(
            anchors, classes, lambda some: self._boxes(values[:4, some], scale), MOST_DETECTIONS, self._iou
        )
        return boxes, classes[places], scores[places]

    def _plain(self, values: np.ndarray, least: float) -> Pairs:
        """Anchors, classes and scores of all pairs with at least the score `least`."""
        stored = values[4:]
        reached = stored >= lowest(self._port, least)
        # Found in the order in which they are stored: classes first, or anchors.
        if self._layout.turned:
            classes, anchors = np.divmod(np.flatnonzero(reached), stored.shape[1])
        else:
            anchors, classes = np.divmod(np.flatnonzero(reached.T), stored.shape[0])
        return _enough(anchors, classes, real_values(stored[classes, anchors], self._port), least)

    def _weighted(self, values: np.ndarray, least: float) -> Pairs:
        """The same where a class's score is for an object that the fifth value is the score of."""
        objects = np.flatnonzero(values[4] >= lowest(self._port, least))
        scores = real_values(values[4, objects], self._port)[:, np.newaxis]
        # A network for one class never learns to tell classes apart: that score says nothing.
        if self._layout.classes > 1:
            scores = scores * real_values(values[5:, objects], self._port).T
        places, classes = np.nonzero(scores >= np.float32(least))
        return objects[places], classes, scores[places, classes]

    def _scale(self, values: np.ndarray) -> np.ndarray:
        """What box values are divided by."""
        relative = not in_pixels(real_values(values[:2].max(keepdims=True), self._port))
        return np.ones(4, np.float32) if relative else self._size

    def _boxes(self, values: np.ndarray, scale: np.ndarray) -> np.ndarray:
        x, y, width, height = (real_values(values, self._port).T / scale).T
        return np.stack([y - height / 2, x - width / 2, y + height / 2, x + width / 2], axis=1)


def _enough(anchors: np.ndarray, classes: np.ndarray, scores: np.ndarray, least: float) -> Pairs:
    keep = scores >= np.float32(least)
    return anchors[keep], classes[keep], scores[keep]
