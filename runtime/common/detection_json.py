"""Detections of one frame as JSON, the same in files, messages and on the page."""

from __future__ import annotations

import json
from typing import Any, Dict, Sequence

from runtime.common.values import Detection, Frame


def line(frame: Frame, detections: Sequence[Detection]) -> str:
    """The line for one frame, without its end.

    Boxes are [xmin, ymin, xmax, ymax] in source pixels, to a hundredth of one; `track` is there where
    objects are tracked.
    """
    found = [_fields(detection) for detection in detections]
    return json.dumps({"frame": frame.index, "time": round(frame.time, 3), "detections": found})


def _fields(detection: Detection) -> Dict[str, Any]:
    fields = {
        "label": detection.label,
        "class": detection.class_id,
        "score": round(detection.score, 4),
        "box": [round(side, 2) for side in detection.box.as_tuple()],
    }
    return fields if detection.track is None else {**fields, "track": detection.track}
