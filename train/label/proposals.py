"""Boxes that a detector proposes for an image, and those that it has already."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from runtime.common.values import Detection
from train.dataset.examples.example import LabelledBox


@dataclass(frozen=True)
class ProposedImage:
    """An image for people to label.

    `image` is its file, `name` the one that it gets, unique among all; `width` and `height` are in pixels. `boxes` are
    those that it has already, None where nobody has labelled it. `detections` are what the detector proposes.
    """

    image: Path
    name: str
    width: int
    height: int
    detections: tuple[Detection, ...]
    boxes: Optional[tuple[LabelledBox, ...]] = None

    @property
    def doubt(self) -> float:
        """How unsure the least sure detection is, in 0..1; 0 without any."""
        return max((1.0 - abs(2.0 * item.score - 1.0) for item in self.detections), default=0.0)

    @property
    def shown(self) -> tuple[tuple[LabelledBox, Optional[float]], ...]:
        """The boxes to begin with, each with its score: those that are there, without scores, else the detections."""
        if self.boxes is not None:
            return tuple((box, None) for box in self.boxes)
        return tuple((LabelledBox(item.label, item.box), item.score) for item in self.detections)
