"""What fails in a soak, and after how many frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

HOURS = 14


@dataclass(frozen=True)
class Outages:
    """Numbers of frames after which a camera is lost, and hangs; see `tests/soak_sources/unsteady.py`."""

    losses: Tuple[int, ...] = ()
    hangs: Tuple[int, ...] = ()


@dataclass(frozen=True)
class Schedule(Outages):
    """Numbers of frames after which something happens; `frames` is their number in the whole run.

    `away` is when the broker is stopped and when it is started again; `silent` when silent connections are made and when they end,
    twice. `clock` has the hours by which the clock is wrong from a frame on.

    What raises the memory once takes place in the first quarter, before growth is measured, and again after it.
    """

    frames: int = 0
    reloads: Tuple[int, ...] = ()
    bad_reload: int = 0
    kills: Tuple[int, ...] = ()
    stops: Tuple[int, ...] = ()
    away: Tuple[int, int] = (0, 0)
    clock: Tuple[Tuple[int, int], ...] = ()
    silent: Tuple[Tuple[int, int], ...] = ()

    @classmethod
    def of(cls, frames: int) -> Schedule:
        """The schedule for a run of `frames` frames."""

        def at(*percents: float) -> Tuple[int, ...]:
            return tuple(round(frames * percent / 100) for percent in percents)

        return cls(
            # While the broker is away, while the clock is wrong, and while there are silent connections.
            losses=at(8, 30, 47, 55, 64, 90),
            # The first of them lasts for ever.
            hangs=at(18, 78, 87),
            frames=frames,
            reloads=at(*range(4, 94, 9)),
            bad_reload=at(94)[0],
            kills=at(10, 34, 66),
            # An engine that was stopped must be missed before the model is loaded again.
            stops=at(14, 68),
            away=(at(25)[0], at(40)[0]),
            clock=tuple(zip(at(45, 49, 53, 57), (HOURS, 0, -HOURS, 0))),
            silent=tuple(zip(at(12, 61), at(16, 69))),
        )
