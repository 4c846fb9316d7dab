"""Does the runtime go on well with a new model? Judged by the health that it writes, look by look."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Set

from runtime.telemetry.health import Health

# A reload loads the model in a process of its own and tries it, on a slow card and a slow board.
TAKE_OVER_SECONDS = 90.0
# A service manager starts a runtime again in less than that.
GONE_SECONDS = 45.0
# As many as this are no accident.
MOST_RESTARTS = 3

GOOD, BAD, OPEN = "good", "bad", "open"


@dataclass(frozen=True)
class Verdict:
    """`word` is GOOD, BAD or OPEN, which means that nothing can be said yet; `reason` says why."""

    word: str
    reason: str


class Watch:
    """Watches one release for `seconds` from when the runtime has taken it over.

    `folder` is the release's; `expected` says whether a runtime was there before; `before` is how it
    was when it was told of the release. Times are those of any clock that goes forward.
    """

    def __init__(
        self, folder: Path, seconds: float, expected: bool, start: float, before: Optional[Health] = None
    ) -> None:
        self._folder = os.path.realpath(folder)
        self._seconds = seconds
        self._expected = expected
        self._before = before
        self._start = start
        # The first look at the runtime with the new model, and when that was.
        self._first: Optional[Health] = None
        self._since = 0.0
        self._latest: Optional[Health] = None
        self._seen_at = start
        self._pids: Set[int] = set()
        self._lost = 0

    def look(self, now: float, health: Optional[Health]) -> Optional[Verdict]:
        """What can be said at `now`; None to look again. `health` is None where no runtime is there."""
        if health is None:
            return self._nobody(now)
        self._seen_at = now
        if os.path.dirname(os.path.realpath(health.model)) != self._folder:
            return self._not_taken_over(now, health)
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

    def _nobody(self, now: float) -> Optional[Verdict]:
        known = self._expected or self._first is not None
        if not known:
            return Verdict(OPEN, "no runtime runs here, so that its self-test alone speaks for it")
        if now - self._seen_at > GONE_SECONDS:
            return Verdict(BAD, "the runtime is gone since it has the model")
        return None

    def _not_taken_over(self, now: float, health: Health) -> Optional[Verdict]:
        if self._first is not None:
            return Verdict(BAD, f"the runtime went back to {health.model}")
        before = self._before
        known = before.reload_failures if before is not None and before.pid == health.pid else 0
        if health.reload_failures > known:
            return Verdict(BAD, f"the runtime does not take it: {health.reload_error}")
        if now - self._start > TAKE_OVER_SECONDS:
            return Verdict(BAD, f"the runtime did not take it over in {TAKE_OVER_SECONDS:.0f} s")
        return None
