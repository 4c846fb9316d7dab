"""Decodes the two outputs of a detector that MediaPipe Model Maker exports, as MediaPipe's ObjectDetector does.

Sources of the rules, in https://github.com/google-ai-edge/mediapipe: the choice of outputs in
mediapipe/tasks/cc/components/processors/detection_postprocessing_graph.cc, boxes and scores in
mediapipe/calculators/tensor/tensors_to_detections_calculator.cc, suppression in
mediapipe/calculators/util/non_max_suppression_calculator.cc.
"""

from __future__ import annotations

from typing import Optional, Sequence, Tuple

import numpy as np

from runtime.boxes.nms import suppress
from runtime.common.errors import InputError
from runtime.inference.decoders import Arrays, Decoding, Network
from runtime.inference.decoders._raw_scores import sigmoid
from runtime.model import labels
from runtime.model.ports import Port, real_values
from runtime.model.ssd_anchors import ENTRY, SsdAnchors

# Names of the outputs in the metadata; without both, boxes come first.
_BOXES, _SCORES = "location", "score"

# ObjectDetector suppresses boxes of all classes alike; measured on mediapipe 1.2.3, which does not let it be set.
_IOU = 0.3


def accepts(network: Network) -> Optional[Decoding]:
    """Files with two outputs, box codes [1, A, 4] and class scores [1, A, F + C], and anchors in the metadata.

    Raises InputError where the anchors do not fit to the outputs.
    """
    if len(network.outputs) != 2 or network.metadata is None:
        return None
    head = SsdAnchors.of(network.metadata, network.model.where)
    if head is None:
        return None
    places = _places(network)
    boxes, scores = (network.outputs[place] for place in places)
    count = len(head.anchors)
    if boxes.shape[1:] != (count, 4) or scores.shape[1:] != (count, head.classes):
        raise InputError(
            f"{network.model.where}: {ENTRY} in its metadata has {count} anchors and {head.classes} classes, but its "
            f"outputs are {list(boxes.shape)} and {list(scores.shape)}; export it again"
        )
    names = labels.inside(network.model, network.metadata)
    # Model Maker counts the background as class 0, and so do its labels, where `labels` leaves it out.
    first = 0 if names is not None and len(names.labels) == head.classes else 1
    what = f"the boxes and scores of {count} anchors, which are in its metadata, as MediaPipe Model Maker exports them"
    return Decoding(_Decoder(head, boxes, scores, places, first), what, head.classes - first)


def _places(network: Network) -> Tuple[int, int]:
    names = [output.name for output in network.metadata.outputs] if network.metadata else []
    if sorted(names) == [_BOXES, _SCORES]:
        return names.index(_BOXES), names.index(_SCORES)
    return 0, 1


class _Decoder:
    """Decodes the stored outputs of one file."""

    def __init__(self, head: SsdAnchors, boxes: Port, scores: Port, places: Tuple[int, int], first: int) -> None:
        self._head, self._boxes, self._scores, self._places, self._first = head, boxes, scores, places, first
        self._scales = np.array(head.scales, np.float32)

    def __call__(self, raw: Sequence[np.ndarray], least: float = 0.0) -> Arrays:
        codes, stored = raw[self._places[0]][0], raw[self._places[1]][0][:, self._first :]
        # Stored values rise with what they mean, so that the best class is the same.
        best = stored.argmax(axis=1)
        scores = real_values(stored[np.arange(len(best)), best], self._scores)
        if self._head.sigmoid:
            scores = sigmoid(scores)
        anchors = np.flatnonzero(scores >= least)
        anchors = anchors[np.argsort(-scores[anchors], kind="stable")]
        boxes = self._decoded(real_values(codes[anchors], self._boxes), anchors)
        sides = boxes[:, 2:] - boxes[:, :2]
        whole = (sides >= 0).all(axis=1)
        anchors, boxes = anchors[whole], boxes[whole]
        kept = suppress(boxes, _IOU)
        return boxes[kept], best[anchors[kept]], scores[anchors[kept]]

    def _decoded(self, codes: np.ndarray, anchors: np.ndarray) -> np.ndarray:
        table = self._head.anchors[anchors]
        codes = codes / self._scales
        middle = codes[:, :2] * table[:, 2:] + table[:, :2]
        with np.errstate(over="ignore"):
            sides = np.exp(codes[:, 2:]) if self._head.exponential else codes[:, 2:]
        half = sides * table[:, 2:] / np.float32(2)
        return np.concatenate([middle - half, middle + half], axis=1)
