"""From the raw outputs of a detector to boxes, classes and scores.

The rules are those of `runtime.model.raw_head`, versions 2 and 3.
"""

from __future__ import annotations

from typing import Optional, Sequence, Tuple

import numpy as np

from runtime.inference.decoders import Arrays, Decoder, Decoding, Network
from runtime.inference.decoders._candidates import falling, suppressed
from runtime.inference.decoders._distributions import distances
from runtime.inference.decoders._first_raw_head import FirstVersionDecoder
from runtime.inference.decoders._raw_scores import FloatScores, sigmoid
from runtime.inference.decoders._scratch import Scratch
from runtime.model.ports import Port, real
from runtime.model.raw_head import RawHead


def accepts(network: Network) -> Optional[Decoding]:
    """The files that this kit writes without post-processing: `raw_head.bin` inside says how they are decoded."""
    head = RawHead.of(network.model, network.metadata)
    if head is None:
        return None
    return Decoding(decoder(head, network.outputs), "box codes and class logits, described inside", head.classes)


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
        self._scratch = Scratch((len(head.anchors), head.first + head.classes))

    def __call__(self, raw: Sequence[np.ndarray], least: float = 0.0) -> Arrays:
        """What the operations inside a file would give, less scores under `least`; scores fall.

        `raw` are the stored box codes [1, A, 4] or [1, A, 4 * B] and class logits [1, A, F + C].
        """
        head = self._head
        codes, logits = raw[0].reshape(len(head.anchors), -1), raw[1].reshape(len(head.anchors), -1)
        # A box is suppressed by those with higher scores only, so that dropping low ones early
        # changes nothing for the others.
        least = max(least, head.score)
        anchors, columns = self._reaching(logits, self._scores.threshold(least))
        stored = logits[anchors, columns]
        order = falling(stored, head.candidates)
        anchors, classes, scores = anchors[order], columns[order] - head.first, self._scores.of(stored[order])
        enough = np.count_nonzero(scores >= least)
        anchors, classes, scores = anchors[:enough], classes[:enough], scores[:enough]
        places, boxes = suppressed(
            anchors, classes, lambda some: self._boxes(codes[some], some), head.detections, head.iou
        )
        return boxes, classes[places], scores[places]

    def _reaching(self, logits: np.ndarray, threshold: np.generic) -> Tuple[np.ndarray, np.ndarray]:
        """Anchor and column of every logit that reaches `threshold`, in the order of the logits."""
        found = np.flatnonzero(np.greater_equal(logits, threshold, out=self._scratch.reached))
        anchors, columns = np.divmod(found, logits.shape[1])
        if not self._head.first:
            return anchors, columns
        keep = columns >= self._head.first
        return anchors[keep], columns[keep]

    def _boxes(self, codes: np.ndarray, anchors: np.ndarray) -> np.ndarray:
        numbers = real([codes], [self._codes])[0].astype(np.float32)
        moved, grown = self._of_distributions(numbers) if self._head.bins else self._of_numbers(numbers)
        table = self._head.anchors[anchors]
        middle = moved * table[:, 2:] + table[:, :2]
        half = grown * self._halves[anchors]
        return np.concatenate([middle - half, middle + half], axis=1)

    def _of_numbers(self, codes: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """How far the boxes of `codes` [K, 4] are from their anchors, and their sizes, in anchors; each [K, 2], y first."""
        numbers = codes / self._scales
        with np.errstate(over="ignore"):
            return numbers[:, :2], np.exp(numbers[:, 2:])

    def _of_distributions(self, codes: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """The same of `codes` [K, 4 * B]."""
        sides = distances(codes.reshape(len(codes), 4, -1))
        # From x before y, as the sides are stored, to y before x.
        near, far = sides[:, 1::-1], sides[:, 3:1:-1]
        return (far - near) / np.float32(2), near + far


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
