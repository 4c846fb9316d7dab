"""Decides from the runtime's health whether it works with a new model, and by what cause it does not.

A fault of the release itself (BAD) shows in the engine that runs it: the engine dies or hangs again and again, or takes
the runtime with it. All else may pass (TROUBLE): no memory for a second model, a slow card, a service that does not
come back. A camera that is busy or gone says nothing about a model at all (OPEN).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional, Set

from devices.host.systemd_service import MOST_RESTART_SECONDS, START_SECONDS, STOP_SECONDS
from devices.update.verdicts.verdict import BAD, GOOD, OPEN, TROUBLE, Verdict
from runtime.telemetry.health import STALE_SECONDS, Health

# The longest that a reload takes: it loads the model in a process of its own and tests it, on a slow card and board.
TAKE_OVER_SECONDS = 90.0
# The longest that a working runtime says nothing: the service manager ends it, waits, and starts it on a slow card. A
# health file becomes old only some time after its last writing.
GONE_SECONDS = STOP_SECONDS + MOST_RESTART_SECONDS + START_SECONDS + STALE_SECONDS
# The longest that an engine takes to come back: it loads the model again.
ENGINE_SECONDS = TAKE_OVER_SECONDS
# So many restarts are not a coincidence.
MOST_RESTARTS = 3


class ProbationMonitor:
    """Watches one release for `seconds` of one process of the runtime, from when it has loaded the release.

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
        # When the model was first seen to be loaded.
        self._loaded_at = start
        # The first health of the present process with the new model, and when it was read.
        self._first: Optional[Health] = None
        self._since = start
        self._latest: Optional[Health] = None
        self._seen_at = start
        # The processes that got images. One that fails for want of a camera says nothing about the model.
        self._pids: Set[int] = set()
        self._lost = 0

    def observe(self, now: float, health: Optional[Health], stopped: bool = False) -> Optional[Verdict]:
        """The verdict at `now`; None to observe again later.

        `health` is None where no runtime runs, and `stopped` says whether somebody has stopped its service.
        """
        if health is None:
            return self._no_runtime(now, stopped)
        self._seen_at = now
        if os.path.dirname(os.path.realpath(health.model)) != self._folder:
            return self._not_loaded(now, health)
        if self._first is None:
            self._loaded_at = now
        if self._first is None or health.pid != self._first.pid:
            # The time without a runtime does not count.
            self._first, self._since = health, now
        elif self._latest is not None:
            self._lost += max(0, health.restarts - self._latest.restarts)
        if health.source_state == "running" or any(c.source_state == "running" for c in (health.cameras or {}).values()):
            self._pids.add(health.pid)
        self._latest = health
        if len(self._pids) > MOST_RESTARTS:
            return Verdict(BAD, f"the runtime was started {len(self._pids)} times with it")
        if self._lost >= MOST_RESTARTS:
            return Verdict(TROUBLE if self._lost_as_often_before() else BAD, f"its engine was lost {self._lost} times")
        if now - self._since < self._seconds:
            late = now - self._loaded_at > self._seconds + GONE_SECONDS
            return Verdict(OPEN, f"the runtime does not stay up (the source is {health.source_state})") if late else None
        if health.engine_state != "running":
            # The watch may end just while an engine is replaced.
            late = now - self._since > self._seconds + ENGINE_SECONDS
            return Verdict(TROUBLE, f"its engine is {health.engine_state}") if late else None
        if health.frames <= self._first.frames:
            return Verdict(OPEN, f"no frame came through it yet (the source is {health.source_state})")
        return Verdict(GOOD, f"{health.fps:g} frames/s")

    def _lost_as_often_before(self) -> bool:
        """Whether the model before lost as many engines in such a time: then it is the device."""
        before = self._before
        if before is None or before.restarts < MOST_RESTARTS:
            return False
        return before.restarts * self._seconds >= MOST_RESTARTS * max(before.time - before.started, 1.0)

    def _no_runtime(self, now: float, stopped: bool) -> Optional[Verdict]:
        if not self._expected and self._first is None:
            return Verdict(OPEN, "no runtime runs here, so that only its self-test was done")
        if stopped:
            return Verdict(OPEN, "the service was stopped")
        if now - self._seen_at > GONE_SECONDS:
            return Verdict(TROUBLE, "the runtime is gone since it has the model")
        return None

    def _not_loaded(self, now: float, health: Health) -> Optional[Verdict]:
        if self._first is not None:
            return Verdict(TROUBLE, f"the runtime went back to {health.model}")
        before = self._before
        known = before.reload_failures if before is not None and before.pid == health.pid else 0
        if health.reload_failures > known:
            return Verdict(TROUBLE, f"the runtime does not take it: {health.reload_error}")
        if now - self._start > TAKE_OVER_SECONDS:
            return Verdict(TROUBLE, f"the runtime did not take it over in {TAKE_OVER_SECONDS:.0f} s")
        return None
