"""Decodes [1, 4 + classes, anchors], the output of YOLOv8, v9, v11 and v12: a box and a score for each class.

Also [1, anchors, 4 + classes]. Boxes are centre x, centre y, width and height, in pixels of the input or relative to it.
"""

from __future__ import annotations

from typing import Optional

from runtime.inference.decoders import Decoding, Network, _yolo, _yolo_layout
from runtime.inference.decoders._yolo_dense import DenseDecoder

# The default of `predict` and `val` (https://docs.ultralytics.com/usage/cfg).
_IOU = 0.7


def accepts(network: Network) -> Optional[Decoding]:
    """Files with this output and an image as input."""
    layout = _yolo_layout.dense(network)
    if layout is None or layout.objectness:
        return None
    what = f"the raw output of a YOLOv8-style detector (4 + {layout.classes} values for each of {layout.anchors} anchors)"
    return _yolo.decoding(DenseDecoder(layout, network.outputs[0], _IOU), what, layout.classes)
