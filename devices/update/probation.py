"""Decides from the runtime's health whether it works with a new model."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Set

from runtime.telemetry.health import Health

# The longest that a reload takes: it loads the model in a process of its own and tests it, on a slow card and board.
TAKE_OVER_SECONDS = 90.0
# The longest that a service manager takes to restart a runtime.
GONE_SECONDS = 45.0
# So many restarts are not a coincidence.
MOST_RESTARTS = 3

GOOD, BAD, OPEN = "good", "bad", "open"


@dataclass(frozen=True)
class Verdict:
    """`word` is GOOD, BAD, or OPEN where it is too early to say; `reason` explains it."""

    word: str
    reason: str


class ProbationMonitor:
    """Watches one release for `seconds`, from when the runtime has loaded it.

    `folder` is the folder of the release, and `expected` says whether a runtime ran before the switch. `before` is
    the runtime's health just before it was told to load the release. Times are in seconds, of any monotonic clock.
    """

    def __init__(
        self, folder: Path, seconds: float, expected: bool, start: float, before: Optional[Health] = None
    ) -> None:
        self._folder = os.path.realpath(folder)
        self._seconds = seconds
        self._expected = expected
        self._before = before
        self._start = start
        # The first health with the new model, and when it was read.
        self._first: Optional[Health] = None
        self._since = 0.0
        self._latest: Optional[Health] = None
        self._seen_at = start
        self._pids: Set[int] = set()
        self._lost = 0

    def observe(self, now: float, health: Optional[Health]) -> Optional[Verdict]:
        """The verdict at `now`; None to observe again later. `health` is None where no runtime runs."""
        if health is None:
            return self._no_runtime(now)
        self._seen_at = now
        if os.path.dirname(os.path.realpath(health.model)) != self._folder:
            return self._not_loaded(now, health)
        if self._first is None:
            self._first, self._since = health, now
        elif self._latest is not None and health.pid == self._latest.pid:
            self._lost += max(0, health.restarts - self._latest.restarts)
        self._pids.add(health.pid)
        self._latest = health
        if len(self._pids) > MOST_RESTARTS:
            return Verdict(BAD, f"the runtime was started {len(self._pids)} times with it")
        if self._lost >= MOST_RESTARTS:
            return Verdict(BAD, f"its engine was lost {self._lost} times")
        if now - self._since < self._seconds:
            return None
        if health.engine_state != "running":
            return Verdict(BAD, f"its engine is {health.engine_state}")
        if health.frames <= (self._first.frames if health.pid == self._first.pid else 0):
            return Verdict(OPEN, f"no frame came through it yet (the source is {health.source_state})")
        return Verdict(GOOD, f"{health.fps:g} frames/s")

    def _no_runtime(self, now: float) -> Optional[Verdict]:
        if not self._expected and self._first is None:
            return Verdict(OPEN, "no runtime runs here, so that only its self-test was done")
        if now - self._seen_at > GONE_SECONDS:
            return Verdict(BAD, "the runtime is gone since it has the model")
        return None

    def _not_loaded(self, now: float, health: Health) -> Optional[Verdict]:
        if self._first is not None:
            return Verdict(BAD, f"the runtime went back to {health.model}")
        before = self._before
        known = before.reload_failures if before is not None and before.pid == health.pid else 0
        if health.reload_failures > known:
            return Verdict(BAD, f"the runtime does not take it: {health.reload_error}")
        if now - self._start > TAKE_OVER_SECONDS:
            return Verdict(BAD, f"the runtime did not take it over in {TAKE_OVER_SECONDS:.0f} s")
        return None
