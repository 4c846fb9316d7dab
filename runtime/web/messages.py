"""The messages that viewers receive.

An image is a binary message: the length of the JSON (4 bytes, big-endian), the JSON, the JPEG. The JSON is
{"width", "height", "result"}: the size of the source's frame, in whose pixels the boxes are, and the frame's
line as in `runtime.common.detection_json`. The state is a text message: {"state": ...}, with `State.snapshot`; where several cameras run, also with "camera", the
name of this one, and "cameras", the state of each one's source by name. A note is one
too: {"note": {"error", "saved"}}.
"""

from __future__ import annotations

import json
import struct
from types import MappingProxyType
from typing import Any, Mapping, Optional, Sequence

import numpy as np

from runtime.common.detection_json import line
from runtime.common.opencv import cv2
from runtime.common.values import Detection, Frame
from runtime.media.drawing import annotated
from runtime.telemetry.state import State

# JPEG quality of live images. Quality 90 would double their size.
QUALITY = 75
SNAPSHOT_QUALITY = 92


def image(frame: Frame, detections: Sequence[Detection], widest: int) -> bytes:
    """The message for a frame, at most `widest` pixels wide."""
    height, width = frame.image.shape[:2]
    head = f'{{"width": {width}, "height": {height}, "result": {line(frame, detections)}}}'.encode()
    return struct.pack(">I", len(head)) + head + _jpeg(_scaled(frame.image, widest), frame.color, QUALITY)


def state(of: State, more: Mapping[str, Any] = MappingProxyType({})) -> str:
    """The message with everything that the page shows besides the image, and `more`."""
    return json.dumps({"state": of.snapshot(), **more})


def note(error: str, saved: bool = False) -> str:
    """The answer to a viewer that has drawn or removed a zone or line: what was wrong, empty for nothing, and whether it is kept."""
    return json.dumps({"note": {"error": error, "saved": saved}})


def snapshot(frame: Frame, detections: Optional[Sequence[Detection]], widest: Optional[int] = None) -> bytes:
    """A JPEG in the size of the source, or at most `widest` pixels wide, with boxes if `detections` are given."""
    image, color = (frame.image, frame.color) if detections is None else (annotated(frame, detections), "BGR")
    if widest is None:
        return _jpeg(image, color, SNAPSHOT_QUALITY)
    return _jpeg(_scaled(image, widest), color, QUALITY)


def _scaled(image: np.ndarray, widest: int) -> np.ndarray:
    height, width = image.shape[:2]
    if width <= widest:
        return image
    size = (widest, max(1, round(height * widest / width)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def _jpeg(image: np.ndarray, color: str, quality: int) -> bytes:
    if color != "BGR":
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    # OpenCV returns False for images over the JPEG limit of 65535 pixels per side.
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return data.tobytes() if done else b""
