"""From the raw outputs of a detector to boxes, classes and scores.

The rules are those of `runtime.model.raw_head`, version 2.
"""

from __future__ import annotations

from typing import Protocol, Sequence, Tuple

import numpy as np

from runtime.inference.first_raw_decoding import FirstVersionDecoder
from runtime.inference.interpreter import Port, real
from runtime.inference.nms import Kept
from runtime.inference.raw_scores import FloatScores, sigmoid
from runtime.model.raw_head import RawHead

Arrays = Tuple[np.ndarray, np.ndarray, np.ndarray]

# Candidates decoded and suppressed at a time: the best usually fill an image's detections, or are all.
_AT_ONCE = 256
# For suppression: where the sides of boxes are cut, and how far apart two classes lie.
_NEAREST, _FARTHEST, _CLASS_STEP = np.float32(-1), np.float32(2), np.float32(4)


class Decoder(Protocol):
    """Makes boxes float32 [M, 4] as ymin, xmin, ymax, xmax relative to the image, classes int [M] and scores [M]."""

    def __call__(self, raw: Sequence[np.ndarray], least: float = 0.0) -> Arrays:
        """The detections of one image with at least the score `least`, highest score first."""
        ...


def decoder(head: RawHead, ports: Sequence[Port]) -> Decoder:
    """What decodes the two outputs `ports`, as the interpreter lists them, by the rules of the head's version."""
    return RawDecoder(head, ports) if head.candidates else FirstVersionDecoder(head, ports)


class RawDecoder:
    """Decodes the stored outputs of one file.

    Stored logits are compared with the threshold as they are. Only the pairs of anchor and class that
    reach it, some dozens of a million, are dequantised, decoded and suppressed.
    """

    def __init__(self, head: RawHead, ports: Sequence[Port]) -> None:
        self._head = head
        self._codes = ports[0]
        logits = ports[1]
        quantised = bool(logits.scale) and np.issubdtype(logits.dtype, np.integer)
        self._scores = _StoredScores(logits) if quantised else FloatScores()
        self._halves = head.anchors[:, 2:] / np.float32(2)
        self._scales = np.array(head.scales, np.float32)
        # A megabyte at 90 classes, which it takes longer to get anew each time than to fill.
        self._reached = np.empty((len(head.anchors), head.first + head.classes), bool)

    def __call__(self, raw: Sequence[np.ndarray], least: float = 0.0) -> Arrays:
        """What the operations inside a file would give, less scores under `least`; scores fall.

        `raw` are the stored box codes [1, A, 4] and class logits [1, A, F + C].
        """
        head = self._head
        codes, logits = raw[0].reshape(-1, 4), raw[1].reshape(len(head.anchors), -1)
        # A box is suppressed by those with higher scores only, so that dropping low ones early
        # changes nothing for the others.
        least = max(least, head.score)
        anchors, columns = self._reaching(logits, self._scores.threshold(least))
        stored = logits[anchors, columns]
        order = _falling(stored, head.candidates)
        anchors, classes, scores = anchors[order], columns[order] - head.first, self._scores.of(stored[order])
        enough = np.count_nonzero(scores >= least)
        anchors, classes, scores = anchors[:enough], classes[:enough], scores[:enough]
        kept, boxes = Kept(head.detections, head.iou), [np.empty((0, 4), np.float32)]
        for start in range(0, len(anchors), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            boxes.append(self._boxes(codes[anchors[some]], anchors[some]))
            kept.add(_apart(boxes[-1], classes[some]))
            if kept.full:
                break
        places = kept.places
        return np.concatenate(boxes)[places], classes[places], scores[places]

    def _reaching(self, logits: np.ndarray, threshold: np.generic) -> Tuple[np.ndarray, np.ndarray]:
        """Anchor and column of every logit that reaches `threshold`, in the order of the logits."""
        found = np.flatnonzero(np.greater_equal(logits, threshold, out=self._reached))
        anchors, columns = np.divmod(found, logits.shape[1])
        if not self._head.first:
            return anchors, columns
        keep = columns >= self._head.first
        return anchors[keep], columns[keep]

    def _boxes(self, codes: np.ndarray, anchors: np.ndarray) -> np.ndarray:
        numbers = real([codes], [self._codes])[0].astype(np.float32) / self._scales
        table = self._head.anchors[anchors]
        middle = numbers[:, :2] * table[:, 2:] + table[:, :2]
        with np.errstate(over="ignore"):
            half = np.exp(numbers[:, 2:]) * self._halves[anchors]
        return np.concatenate([middle - half, middle + half], axis=1)


def _falling(stored: np.ndarray, most: int) -> np.ndarray:
    """Places of the `most` highest, falling, equal ones in their order."""
    # From the end: stable sorting of the negative would overflow at the lowest int8.
    order = len(stored) - 1 - np.argsort(stored[::-1], kind="stable")[::-1]
    return order[:most]


def _apart(boxes: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The boxes, cut, those of each class at a place of their own."""
    inside: np.ndarray = np.clip(boxes, _NEAREST, _FARTHEST)
    inside[:, ::2] += (classes.astype(np.float32) * _CLASS_STEP)[:, np.newaxis]
    return inside


class _StoredScores:
    """What stored logits mean as scores, for each value there is."""

    def __init__(self, port: Port) -> None:
        limits = np.iinfo(port.dtype)
        self._lowest = int(limits.min)
        self._values = np.arange(limits.min, limits.max + 1).astype(port.dtype)
        self._all = sigmoid(real([self._values], [port])[0])

    def threshold(self, least: float) -> np.generic:
        """The lowest logit with a score of at least `least`; the highest there is if none has."""
        # In the type of the logits, so that NumPy compares bytes with a byte.
        lowest: np.generic = self._values[min(int(np.count_nonzero(self._all < least)), len(self._values) - 1)]
        return lowest

    def of(self, logits: np.ndarray) -> np.ndarray:
        return self._all[logits.astype(np.intp) - self._lowest]
