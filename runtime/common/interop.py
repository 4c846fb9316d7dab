"""Converts detections into the types of other libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Sequence

import numpy as np

from runtime.common.errors import InputError
from runtime.common.values import Detection

if TYPE_CHECKING:
    import supervision


def to_supervision(detections: Sequence[Detection]) -> supervision.Detections:
    """Converts detections into `supervision.Detections`, for the annotators, zones and counters of that library.

        annotated = supervision.BoxAnnotator().annotate(image, to_supervision(detector(image)))

    `xyxy` is float32 [n, 4] in pixels, `confidence` float32 [n], `class_id` int [n], `tracker_id` int [n] (None unless
    all detections are tracked), and `data["class_name"]` the labels. Raises InputError where supervision is not
    installed.
    """
    try:
        import supervision
    except ImportError as error:
        raise InputError(f"to_supervision needs the package supervision ({error}): pip install supervision") from error
    tracks = [detection.track for detection in detections]
    return supervision.Detections(
        xyxy=np.array([detection.box.as_tuple() for detection in detections], np.float32).reshape(-1, 4),
        confidence=np.array([detection.score for detection in detections], np.float32),
        class_id=np.array([detection.class_id for detection in detections], int),
        tracker_id=np.array(tracks, int) if tracks and None not in tracks else None,
        data={"class_name": np.array([detection.label for detection in detections], str)},
    )
