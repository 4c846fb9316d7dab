"""Keeps one release in the shadow: its link, which the runtime follows, and what the updater's state says of it.

The state is written first, then the link; each run of the updater first makes the link agree with the state.
"""

from __future__ import annotations

import time
from typing import Callable, Optional

from devices.host.paths import MODEL
from devices.update import clock
from devices.update.release_store import ReleaseStore
from devices.update.runtime_process import RuntimeProcess
from devices.update.state import UpdaterState
from devices.update.verdicts.hold import Hold, Terms, Uptime
from devices.update.verdicts.hold_text import progress
from devices.update.verdicts.hold_verdict import judge, looked_at
from devices.update.verdicts.verdict import GOOD
from runtime.telemetry import kept_comparison
from runtime.telemetry.health import sha256_of

# How long the runtime may take to give up the second model, so that there is memory for the next.
END_SECONDS = 15.0
_POLL_SECONDS = 0.2


class Holding:
    """The release that is held back from one device. `state` gives the updater's state, and `change` changes its hold."""

    def __init__(
        self,
        terms: Terms,
        store: ReleaseStore,
        runtime: RuntimeProcess,
        state: Callable[[], UpdaterState],
        change: Callable[[Optional[Hold]], None],
        tell: Callable[[str], None],
    ) -> None:
        self._terms = terms
        self._store = store
        self._runtime = runtime
        self._state = state
        self._change = change
        self._tell = tell

    @property
    def open(self) -> Optional[Hold]:
        """The hold that has no verdict yet; None where there is none."""
        hold = self._state().hold
        return hold if hold is not None and hold.is_open else None

    def recover(self) -> None:
        """Makes the link agree with the state, after a kill or a power cut."""
        hold = self.open
        if hold is not None and not self._store.is_complete(hold.release):
            self._tell(f"{hold.release} is held no longer: its model is gone")
            self._change(None)
        self.align()

    def align(self) -> None:
        """Makes the link agree with the state."""
        hold = self.open
        self._store.set_shadow(hold.release if hold is not None else "")

    def look(self) -> Optional[Hold]:
        """Adds what the runtime has compared since the last look. The hold with its verdict, where it has ended with this."""
        hold, running = self.open, self._store.current
        if hold is None or not self._terms.seconds:
            return None
        if hold.release == running:
            # Somebody has set the link to it by hand, and so vouches for it.
            self._change(None)
            self.align()
            return None
        if hold.against != running:
            # Another model runs: a person has returned to it, for example.
            hold = self._begun(hold.release, running)
        hold, verdict = looked_at(hold, self._runtime.health(), self._store.folder(""), Uptime.read())
        verdict = verdict or judge(hold, self._terms)
        if verdict is not None:
            return hold.ended(verdict, self._now)
        self._change(hold)
        return None

    def knows(self, release: str) -> bool:
        """Whether `release` is held, or was and has passed: its files have been tested."""
        hold = self._state().hold
        return hold is not None and hold.release == release and hold.word in ("", GOOD)

    def hold(self, release: str) -> str:
        """Holds `release`, or goes on with it. How far it is; empty where it has passed."""
        hold, running = self._state().hold, self._store.current
        if hold is None or not self.knows(release) or hold.against != running:
            hold = self._begun(release, running)
            self._change(hold)
            self.align()
        return progress(hold, self._terms) if hold.is_open else ""

    def drop_other(self, chosen: str) -> None:
        """Ends the hold of a release that is not the one for this device now, `chosen`.

        It is removed, since one that nothing speaks for must not be one to return to.
        """
        hold = self.open
        if hold is None or hold.release == chosen:
            return
        why = self._state().withdrawn.get(hold.release)
        gone = f"it was withdrawn: {why}" if why is not None else "it is no longer the one for this device"
        self._tell(f"{hold.release} is held no longer: {gone}")
        if hold.release not in (self._store.current, self._state().last_good):
            # First: after a cut, the hold of a release that is gone is over.
            self._store.remove(hold.release)
        self._change(None)
        self.align()

    def wait_until_ended(self) -> None:
        """Waits until the runtime has given up a second model that it runs, for END_SECONDS at the most."""
        end = time.monotonic() + END_SECONDS
        while time.monotonic() < end:
            health = self._runtime.health()
            if health is None or health.shadow is None or health.shadow.error:
                return
            time.sleep(_POLL_SECONDS)

    def _begun(self, release: str, running: str) -> Hold:
        # What was compared in an earlier hold of it does not count for this one.
        kept_comparison.forget(self._store.folder(release))
        return Hold.begun(release, running, sha256_of(self._store.folder(release) / MODEL), Uptime.read(), self._now)

    @property
    def _now(self) -> float:
        return clock.now(self._state().checked)
