"""What is known when a frame is judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Optional, Tuple

from runtime.common.values import Detection, Frame


@dataclass(frozen=True, eq=False)
class Moment:
    """A frame with what the detector found in it.

    `candidates` are detections below the threshold `score` (0..1); classes in `scores` have thresholds of their own. `asked` is true where somebody wants this frame.
    `other` are the detections of a second model in the same frame; None where there is none.
    """

    frame: Frame
    detections: Tuple[Detection, ...]
    candidates: Tuple[Detection, ...] = ()
    score: float = 0.5
    asked: bool = False
    other: Optional[Tuple[Detection, ...]] = None
    scores: Mapping[str, float] = field(default_factory=dict)

    @property
    def time(self) -> float:
        """Seconds, for intervals between moments."""
        return self.frame.steady_time

    def threshold(self, label: str) -> float:
        """From which score on, 0..1, an object of the class `label` is a detection."""
        return self.scores.get(label, self.score)


@dataclass(frozen=True, eq=False)
class Pick:
    """A moment that is worth labelling, present or past; `worth` is in 0..1, and the greatest goes last."""

    moment: Moment
    worth: float
