"""What fails in a soak, and after how many frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Tuple

HOURS = 14


@dataclass(frozen=True)
class Schedule:
    """Numbers of frames after which something happens; `frames` is their number in the whole run.

    `away` is when the broker is stopped and when it is started again; `silent` when the silent connections are made and
    when they end. `clock` has the hours by which the clock is wrong from a frame on.
    """

    frames: int
    reloads: Tuple[int, ...]
    bad_reload: int
    kills: Tuple[int, ...]
    stops: Tuple[int, ...]
    away: Tuple[int, int]
    clock: Tuple[Tuple[int, int], ...]
    silent: Tuple[int, int]
    losses: Tuple[int, ...]
    hangs: Tuple[int, ...]

    @classmethod
    def of(cls, frames: int) -> Schedule:
        """The schedule for a run of `frames` frames."""

        def at(*percents: float) -> Tuple[int, ...]:
            return tuple(round(frames * percent / 100) for percent in percents)

        clock = zip(at(45, 49, 53, 57), (HOURS, 0, -HOURS, 0))
        return cls(
            # An engine that was stopped must be missed before the model is loaded again.
            frames, at(*range(4, 94, 9)), at(94)[0], at(10, 34, 66), at(14, 68), at(25, 40), tuple(clock), at(61, 69),
            # While the broker is away, while the clock is wrong, and while there are silent connections.
            at(8, 30, 47, 55, 64, 90), at(78, 87),
        )  # fmt: skip

    def plan(self, fps: float, given: str) -> Dict[str, Any]:
        """The plan of the camera, `tests/soak_sources/unsteady.py`."""
        return {"fps": fps, "losses": self.losses, "hangs": self.hangs, "given": given}
