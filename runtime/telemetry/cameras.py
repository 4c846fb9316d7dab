"""The state of a run of several cameras: what they share, and each camera's own."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Dict, Iterable, List, Mapping, Optional, Set

from runtime.common.values import Labels
from runtime.telemetry.comparison import Comparison
from runtime.telemetry.state import State

# Of the cameras' states, the first of these that one of them is in stands for all: what is wrong must show.
_WORST_FIRST = ("reopening", "failed", "starting", "running", "ended")
_SUMS = ("frames", "detections", "gaps", "skipped", "still", "fps")


class CamerasState(State):
    """The state of all cameras. What concerns the model and the engines is passed on to the state of each.

    `cameras` has their states by name. The stop of this one ends all.
    """

    def __init__(
        self,
        names: Iterable[str],
        model: str = "",
        labels: Labels = Labels(()),
        score: float = 0.5,
        scores: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        self.cameras: Dict[str, State] = {name: State(model, labels, score, scores) for name in names}
        # Those whose threshold is not the model's.
        self.own_score: Set[str] = set()
        super().__init__(model, labels, score, scores)

    @property
    def score(self) -> float:
        """The model's threshold; setting it sets that of the cameras that have no other."""
        return self._score

    @score.setter
    def score(self, value: float) -> None:
        before = self._score
        State.score.fset(self, value)  # type: ignore[attr-defined]
        for name, state in self.cameras.items():
            if state.score == before and name not in self.own_score:
                state.score = value

    def stop(self) -> None:
        """As `State.stop`, for all cameras."""
        super().stop()
        for state in self.cameras.values():
            state.stop()

    def engine(self, **values: Any) -> None:
        """As `State.engine`."""
        super().engine(**values)
        for state in self.cameras.values():
            state.engine(**values)

    def engine_restarted(self, name: str) -> None:
        """As `State.engine_restarted`."""
        super().engine_restarted(name)
        for state in self.cameras.values():
            state.engine_restarted(name)

    def reloaded(self, path: str, labels: Labels, scores: Mapping[str, float] = MappingProxyType({})) -> None:
        """As `State.reloaded`."""
        super().reloaded(path, labels, scores)
        for state in self.cameras.values():
            state.reloaded(path, labels, scores)

    def reload_failed(self, reason: str) -> None:
        """As `State.reload_failed`."""
        super().reload_failed(reason)
        for state in self.cameras.values():
            state.reload_failed(reason)

    def compared(self, comparison: Optional[Comparison]) -> None:
        """As `State.compared`."""
        super().compared(comparison)
        for state in self.cameras.values():
            state.compared(comparison)

    def snapshot(self) -> Dict[str, Any]:
        """As `State.snapshot`, with sums over the cameras, and the snapshot of each of `cameras` by name.

        The state of the source is the worst of all: it is running only while each camera runs, or has come to its end.
        """
        cameras = {name: state.snapshot() for name, state in self.cameras.items()}
        each = list(cameras.values())
        found = {**super().snapshot(), **{what: sum(own[what] for own in each) for what in _SUMS}}
        found["dropped"] = {
            "source": sum(own["dropped"]["source"] for own in each),
            "engine": sum(own["dropped"]["engine"] for own in each),
            "sinks": {
                f"{name} {sink}": number for name, own in cameras.items() for sink, number in own["dropped"]["sinks"].items()
            },
        }
        found["source"] = {"name": ", ".join(cameras), "state": _state(each), "retries": sum(own["source"]["retries"] for own in each)}
        return {**found, "cameras": cameras}


def _state(snapshots: List[Dict[str, Any]]) -> str:
    found = {"failed" if own["source"].get("error") else own["source"]["state"] for own in snapshots}
    worst = next((state for state in _WORST_FIRST if state in found), "starting")
    return "ended" if worst == "failed" else worst
