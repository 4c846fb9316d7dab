"""The detections of one frame as JSON; the same in files, in messages and on the web page."""

from __future__ import annotations

import json
from typing import Any, Dict, Sequence

from runtime.common.values import Detection, Frame


def line(frame: Frame, detections: Sequence[Detection], camera: str = "") -> str:
    """The JSON object for one frame, in one line without a newline.

    Boxes are [xmin, ymin, xmax, ymax] in source pixels, rounded to 0.01. Detections that belong to a track have its
    number as `track`. `file` is there for images and folders only, `areas` with zones and lines (`Counted.as_dict`), and
    `camera` where its name is given.
    """
    named = {"camera": camera} if camera else {}
    objects = [_fields(detection) for detection in detections]
    file = {"file": frame.file} if frame.file else {}
    areas = {} if frame.areas is None else {"areas": frame.areas.as_dict()}
    return json.dumps({**named, "frame": frame.index, **file, "time": round(frame.time, 3), "detections": objects, **areas})


def _fields(detection: Detection) -> Dict[str, Any]:
    fields = {
        "label": detection.label,
        "class": detection.class_id,
        "score": round(detection.score, 4),
        "box": [round(side, 2) for side in detection.box.as_tuple()],
    }
    return fields if detection.track is None else {**fields, "track": detection.track}
