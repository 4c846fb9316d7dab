"""The messages that viewers receive.

An image is a binary message: the length of the JSON (4 bytes, big-endian), the JSON, the JPEG. The JSON is
{"width", "height", "result"}: the size of the source's frame, in whose pixels the boxes are, and the frame's
line as in `runtime.common.detection_json`. The state is a text message: {"state": ...}, with `State.snapshot`. A note is one
too: {"note": {"error", "saved"}}.
"""

from __future__ import annotations

import json
import struct
from typing import Optional, Sequence

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
    scaled = frame.image
    if width > widest:
        scaled = cv2.resize(scaled, (widest, max(1, round(height * widest / width))), interpolation=cv2.INTER_AREA)
    head = f'{{"width": {width}, "height": {height}, "result": {line(frame, detections)}}}'.encode()
    return struct.pack(">I", len(head)) + head + _jpeg(scaled, frame.color, QUALITY)


def state(of: State) -> str:
    """The message with everything that the page shows besides the image."""
    return json.dumps({"state": of.snapshot()})


def note(error: str, saved: bool = False) -> str:
    """The answer to a viewer that has drawn or removed a zone or line: what was wrong, empty for nothing, and whether it is kept."""
    return json.dumps({"note": {"error": error, "saved": saved}})


def snapshot(frame: Frame, detections: Optional[Sequence[Detection]]) -> bytes:
    """A JPEG in the size of the source, with boxes if `detections` are given."""
    if detections is not None:
        return _jpeg(annotated(frame, detections), "BGR", SNAPSHOT_QUALITY)
    return _jpeg(frame.image, frame.color, SNAPSHOT_QUALITY)


def _jpeg(image: np.ndarray, color: str, quality: int) -> bytes:
    if color != "BGR":
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    # OpenCV returns False for images over the JPEG limit of 65535 pixels per side.
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return data.tobytes() if done else b""
