"""Decodes [1, anchors, 5 + classes], the output of YOLOv5 and v7: a box, the score of any object, and one for each class.

Also [1, 5 + classes, anchors]. Boxes are centre x, centre y, width and height, in pixels of the input or relative to it.
"""

from __future__ import annotations

from typing import Optional

from runtime.inference.decoders import Decoding, Network, _yolo, _yolo_layout
from runtime.inference.decoders._yolo_dense import DenseDecoder

# The default of YOLOv5's detect.py (https://github.com/ultralytics/yolov5#inference-with-detectpy).
_IOU = 0.45


def accepts(network: Network) -> Optional[Decoding]:
    """Files with this output and an image as input."""
    layout = _yolo_layout.dense(network)
    if layout is None or not layout.objectness:
        return None
    what = f"the raw output of a YOLOv5-style detector (5 + {layout.classes} values for each of {layout.anchors} anchors)"
    return _yolo.decoding(DenseDecoder(layout, network.outputs[0], _IOU), what, layout.classes)
