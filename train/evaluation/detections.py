"""`detections.json`: the detections of a run's best weights on its validation images.

    {"step": 400, "pictures": {"0017": [["raccoon", 0.98, 81.2, 87.9, 521.7, 408.3], ...]}}

Images are named by id. Each row is label, score, xmin, ymin, xmax, ymax in pixels; the highest score comes first.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runtime.common.files import write_text
from runtime.common.values import Box, Detection, Labels

_FILE = "detections.json"
# Detections with lower scores are left out: they are the most, and the report does not show them.
LEAST_SCORE = 0.01


@dataclass(frozen=True)
class SavedDetections:
    """Detections by image id, and the training step of the weights."""

    step: int
    images: dict[str, tuple[Detection, ...]]


def write(folder: str | os.PathLike[str], step: int, detections: Mapping[str, Sequence[Detection]]) -> None:
    """Writes the detections with a score of at least 0.01 to `detections.json` in the run folder `folder`."""
    rows = {
        id: [
            [d.label, round(d.score, 4), *(round(side, 1) for side in d.box.as_tuple())]
            for d in of_image
            if d.score >= LEAST_SCORE
        ]
        for id, of_image in detections.items()
    }
    write_text(Path(folder) / _FILE, json.dumps({"step": step, "pictures": rows}))


def read(folder: str | os.PathLike[str], labels: Labels) -> SavedDetections | None:
    """The detections in the run folder `folder`; None if there are none, or if they have other labels."""
    try:
        data = json.loads((Path(folder) / _FILE).read_text(encoding="utf-8"))
        images = {
            id: tuple(Detection(label, labels.index(label), score, Box(*sides)) for label, score, *sides in rows)
            for id, rows in data["pictures"].items()
        }
        return SavedDetections(int(data["step"]), images)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
