"""Decodes [1, detections, 6], the output of YOLO exports with suppression inside (`nms=True`), of YOLOv10 and YOLO26.

A row is xmin, ymin, xmax, ymax, in pixels of the input or relative to it, the score and the class.
"""

from __future__ import annotations

from typing import Optional, Sequence

import numpy as np

from runtime.common.errors import InputError
from runtime.inference.decoders import Arrays, Decoding, Network, _yolo, _yolo_layout
from runtime.inference.decoders._candidates import falling
from runtime.model import labels
from runtime.model.ports import Port, real_values

# Scores of a coarser step than this say nothing.
_COARSEST = 1 / 16


def accepts(network: Network) -> Optional[Decoding]:
    """Files with this output and an image as input. Raises InputError where classes and scores share a scale."""
    layout = _yolo_layout.rows(network)
    if layout is None:
        return None
    port = network.outputs[0]
    if port.is_quantized and port.scale > _COARSEST:
        raise InputError(
            f"{network.model.where}: its output has one scale, {port.scale:.3g}, for boxes, scores and classes, which "
            "leaves nothing of the scores; export it without suppression inside (nms=False), or with a float output"
        )
    named = labels.inside(network.model, network.metadata)
    what = f"up to {port.shape[1]} detections of a YOLO-style detector, suppressed inside, with 6 values each"
    return _yolo.decoding(_Decoder(layout, port), what, 0 if named is None else len(named.labels))


class _Decoder:
    """Reads the stored output of one file."""

    def __init__(self, layout: _yolo_layout.Rows, port: Port) -> None:
        self._port = port
        self._size = np.array([layout.height, layout.width] * 2, np.float32)

    def __call__(self, raw: Sequence[np.ndarray], least: float = 0.0) -> Arrays:
        rows = real_values(raw[0][0], self._port)
        boxes = rows[:, [1, 0, 3, 2]]
        if _yolo.in_pixels(boxes):
            boxes = boxes / self._size
        # Rows that no detection fills are zero.
        keep = np.flatnonzero(rows[:, 4] >= np.float32(max(least, _yolo.LEAST)))
        keep = keep[falling(rows[keep, 4], len(keep))]
        return boxes[keep], np.rint(rows[keep, 5]).astype(np.intp), rows[keep, 4]
