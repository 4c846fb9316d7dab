"""What the best weights of a run found on its validation images: `detections.json`.

    {"step": 400, "images": {"0017": [["raccoon", 0.98, 81.2, 87.9, 521.7, 408.3], ...]}}

Each row is label, score, xmin, ymin, xmax, ymax in pixels, best first.
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
# Below this nothing is looked at, and it is most of what a detector gives.
LEAST_SCORE = 0.01


@dataclass(frozen=True)
class FoundBoxes:
    """Detections by image id, and the step of the weights that made them."""

    step: int
    images: dict[str, tuple[Detection, ...]]


def write(folder: str | os.PathLike, step: int, found: Mapping[str, Sequence[Detection]]) -> None:
    """Writes the detections of score 0.01 and more into a run's folder."""
    rows = {
        id: [
            [d.label, round(d.score, 4), *(round(side, 1) for side in d.box.as_tuple())]
            for d in detections
            if d.score >= LEAST_SCORE
        ]
        for id, detections in found.items()
    }
    write_text(Path(folder) / _FILE, json.dumps({"step": step, "pictures": rows}))


def read(folder: str | os.PathLike, labels: Labels) -> FoundBoxes | None:
    """The detections in a run's folder; None where there are none, or none of these labels."""
    try:
        data = json.loads((Path(folder) / _FILE).read_text(encoding="utf-8"))
        images = {
            id: tuple(Detection(label, labels.index(label), score, Box(*sides)) for label, score, *sides in rows)
            for id, rows in data["pictures"].items()
        }
        return FoundBoxes(int(data["step"]), images)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
