"""From the raw outputs of a detector to boxes, classes and scores, by the rules of `runtime.model.raw_head`, version 1.

Files with such heads were made before the version 2 that `raw_head` reads.
"""

from __future__ import annotations

from typing import Sequence, Tuple

import numpy as np

from runtime.boxes.nms import Kept
from runtime.inference.decoders import Arrays
from runtime.inference.decoders._raw_scores import FloatScores, sigmoid
from runtime.inference.decoders._scratch import Scratch
from runtime.model.ports import Port, real
from runtime.model.raw_head import RawHead

# The interpreter's LOGISTIC has a fixed output scale (TFLite 8-bit quantisation specification).
_SCORE_STEPS = 256
# Anchors decoded and suppressed at a time: the best usually fill an image's detections, or are all.
_AT_ONCE = 256


class FirstVersionDecoder:
    """Decodes the stored outputs of one file.

    Stored logits are compared with the threshold as they are. Only the anchors that reach it, some
    dozens of 12,804, are dequantised, decoded and suppressed, and only those kept get a class.
    """

    def __init__(self, head: RawHead, ports: Sequence[Port]) -> None:
        """`ports` are the two outputs, as the interpreter lists them."""
        self._head = head
        self._codes = ports[0]
        logits = ports[1]
        quantised = bool(logits.scale) and np.issubdtype(logits.dtype, np.integer)
        self._scores = _QuantisedScores(logits) if quantised else _FloatScores()
        self._scratch = Scratch((len(head.anchors), head.first + head.classes))

    def __call__(self, raw: Sequence[np.ndarray], least: float = 0.0) -> Arrays:
        """What the operation inside a file would give, less scores under `least`; scores fall.

        `raw` are the stored box codes [1, A, 4] and class logits [1, A, F + C].
        """
        head = self._head
        codes, logits = raw[0].reshape(-1, 4), raw[1].reshape(len(head.anchors), -1)
        # Boxes are suppressed by those with higher scores only, so that dropping low ones early
        # changes nothing for the others.
        least = max(least, head.score)
        anchors = self._reaching(logits, self._scores.threshold(least))
        best = logits[anchors, head.first :].max(axis=1)
        anchors, best = self._scores.in_order(anchors, best, least)
        kept = Kept(head.detections, head.iou)
        for start in range(0, len(anchors), _AT_ONCE):
            some = anchors[start : start + _AT_ONCE]
            kept.add(self._boxes(codes[some], head.anchors[some]))
            if kept.full:
                break
        places = kept.places
        equal = self._scores.lowest_equal(best[places])
        # argmax of true and false is the first true.
        classes = (logits[anchors[places], head.first :] >= equal[:, None]).argmax(axis=1)
        return kept.boxes, classes, self._scores.of(best[places])

    def _reaching(self, logits: np.ndarray, threshold: np.generic) -> np.ndarray:
        """Rising indices of the anchors that reach `threshold` in any class."""
        rows, columns = logits.shape
        first = self._head.first
        reached = np.greater_equal(logits, threshold, out=self._scratch.reached)
        count = np.count_nonzero(reached)
        if count > rows // 8:
            return np.flatnonzero(reached[:, first:].any(axis=1))
        # Where hits are few, finding each takes a quarter of the time of looking into every row.
        hits, column = np.divmod(np.flatnonzero(reached) if count else np.empty(0, np.intp), columns)
        hits = hits[column >= first]
        return hits[np.diff(hits, prepend=-1) > 0]

    def _boxes(self, codes: np.ndarray, anchors: np.ndarray) -> np.ndarray:
        # In float64 with float32 between centre and half, as the operation does it.
        numbers = real([codes], [self._codes])[0] / np.array(self._head.scales)
        middle = (numbers[:, :2] * anchors[:, 2:] + anchors[:, :2]).astype(np.float32)
        with np.errstate(over="ignore"):
            half = (0.5 * np.exp(numbers[:, 2:]) * anchors[:, 2:]).astype(np.float32)
        return np.concatenate([middle - half, middle + half], axis=1)


class _QuantisedScores:
    """What stored logits mean as scores: a number of steps of 1/256 for each value there is."""

    def __init__(self, port: Port) -> None:
        limits = np.iinfo(port.dtype)
        self._lowest = int(limits.min)
        self._values = np.arange(limits.min, limits.max + 1).astype(port.dtype)
        steps = np.rint(_SCORE_STEPS * sigmoid(real([self._values], [port])[0]))
        self._steps = np.minimum(steps, _SCORE_STEPS - 1).astype(np.uint8)
        self._first_equal = self._values[np.searchsorted(self._steps, self._steps)]

    def threshold(self, least: float) -> np.generic:
        """The lowest logit with a score of at least `least`; the highest there is if none has."""
        # In the type of the logits, so that NumPy compares bytes with a byte.
        lowest: np.generic = self._values[min(int(np.count_nonzero(self._all() < least)), len(self._values) - 1)]
        return lowest

    def in_order(self, anchors: np.ndarray, best: np.ndarray, least: float) -> Tuple[np.ndarray, np.ndarray]:
        """Both by falling score, equal ones as they were, without scores under `least`."""
        steps = self._steps[self._index(best)]
        order = np.argsort(_SCORE_STEPS - 1 - steps, kind="stable")
        order = order[: np.count_nonzero(self.of(best) >= least)]
        return anchors[order], best[order]

    def lowest_equal(self, logits: np.ndarray) -> np.ndarray:
        """For each logit the lowest that has the same score."""
        lowest: np.ndarray = self._first_equal[self._index(logits)]
        return lowest

    def of(self, logits: np.ndarray) -> np.ndarray:
        scores: np.ndarray = self._all()[self._index(logits)]
        return scores

    def _all(self) -> np.ndarray:
        scores: np.ndarray = self._steps / np.float32(_SCORE_STEPS)
        return scores

    def _index(self, logits: np.ndarray) -> np.ndarray:
        return logits.astype(np.intp) - self._lowest


class _FloatScores(FloatScores):
    """The same for logits in float32."""

    def in_order(self, anchors: np.ndarray, best: np.ndarray, least: float) -> Tuple[np.ndarray, np.ndarray]:
        scores = self.of(best)
        order = np.argsort(-scores, kind="stable")[: np.count_nonzero(scores >= least)]
        return anchors[order], best[order]

    def lowest_equal(self, logits: np.ndarray) -> np.ndarray:
        return logits
