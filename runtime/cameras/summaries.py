"""The summaries of a run of several cameras: one of each, and one of all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, Mapping, Sequence

from runtime.telemetry.summary import Summary

_SUMS = (
    "frames", "detections", "skipped", "dropped", "still", "gaps", "collected", "events", "lost_events", "lost_frames",
)  # fmt: skip
_MEANS = ("preprocess_ms", "invoke_ms", "postprocess_ms")


@dataclass(frozen=True)
class Summaries:
    """How a run of several cameras went.

    Those of cameras that came to their end, by name, and why others did not; `seconds` is the duration of the whole run.
    """

    cameras: Mapping[str, Summary]
    errors: Mapping[str, str]
    seconds: float
    restarts: int = 0

    @property
    def total(self) -> Summary:
        """Sums over the cameras, and means over their frames."""
        each = list(self.cameras.values())
        values: Dict[str, Any] = {what: sum(getattr(one, what) for one in each) for what in _SUMS}
        values.update((what, _mean([(getattr(one, what), one.frames) for one in each])) for what in _MEANS)
        compared = next((one.compared for one in each), "")
        return replace(Summary(0, 0, 0, self.seconds, 0.0, 0.0, 0.0, restarts=self.restarts, compared=compared), **values)

    def __str__(self) -> str:
        # Engines and the second model are told of once.
        lines = [f"{name}: {replace(summary, restarts=0, compared='')}" for name, summary in self.cameras.items()]
        lines += [f"{name}: {error}" for name, error in self.errors.items()]
        return "\n".join([*lines, f"all: {self.total}"])


def _mean(weighted: Sequence[Sequence[float]]) -> float:
    weight = sum(number for _, number in weighted)
    return sum(value * number for value, number in weighted) / weight if weight else 0.0
