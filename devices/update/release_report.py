"""Tells the runtime what has become of new releases here, so that all who watch the fleet see it."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Optional, Tuple

from devices.host.paths import Layout
from devices.update.state import UpdaterState
from devices.update.verdicts.hold import Hold, Terms, total
from devices.update.verdicts.hold_verdict import NO_RUNTIME
from runtime.telemetry import release_status
from runtime.telemetry.release_status import (
    HELD,
    LONGEST_REASON,
    PASSED,
    POSTPONED,
    REFUSED,
    TAKEN,
    ReleaseStatus,
)


class ReleaseReport:
    """The file for the runtime. A release that failed is news until the publisher means another one for this device."""

    def __init__(self, layout: Layout, terms: Terms) -> None:
        self._path = layout.state / release_status.FILE
        self._terms = terms
        self._news = {status.release for status in release_status.read(self._path)}

    def meant(self, release: str) -> None:
        """Sets the release that this device would be given if none had failed here; empty for none."""
        self._news = {release}

    def failed(self, release: str) -> None:
        """Adds a release that has just failed."""
        self._news.add(release)

    def write(self, state: UpdaterState, running: str) -> None:
        """Writes it where it has changed. Where that fails, the runtime tells what was so before; nothing else depends on it."""
        found = statuses(state, running, self._terms)
        with contextlib.suppress(OSError):
            release_status.write(self._path, [status for status in found if not self._is_history(status)])

    def _is_history(self, status: ReleaseStatus) -> bool:
        return status.state in (REFUSED, POSTPONED) and status.release not in self._news


def statuses(state: UpdaterState, running: str, terms: Terms) -> Tuple[ReleaseStatus, ...]:
    """What has become of the releases that failed here, and of the one that is or was last held, which comes last.

    Those that the publisher has withdrawn are no news any more.
    """
    found = {name: _failed(state, name, reason) for name, reason in state.failed.items()}
    hold = state.hold
    if hold is not None:
        # One that was put off may be held again.
        failed = found.pop(hold.release, None)
        own = _compared(failed, hold, terms) if failed is not None and not hold.is_open else _held(state, hold, running, terms)
        found.update({hold.release: own} if own is not None else {})
    return tuple(status for name, status in found.items() if name not in state.withdrawn)


def _failed(state: UpdaterState, name: str, reason: str) -> ReleaseStatus:
    if name in state.refused:
        return ReleaseStatus(name, REFUSED, reason=reason[:LONGEST_REASON])
    return ReleaseStatus(name, POSTPONED, state.postponed[name].since, reason[:LONGEST_REASON])


def _held(state: UpdaterState, hold: Hold, running: str, terms: Terms) -> Optional[ReleaseStatus]:
    if hold.is_open:
        # A runtime that tells it is there again.
        word, since, reason = HELD, hold.since, hold.trouble if hold.trouble != NO_RUNTIME else ""
    elif hold.release == running:
        word, since, reason = TAKEN, hold.decided, hold.reason
    elif hold.release == state.offered and hold.against == running:
        # There was no network to switch to it by.
        word, since, reason = PASSED, hold.decided, hold.reason
    else:
        return None
    return _compared(ReleaseStatus(hold.release, word, since, reason[:LONGEST_REASON]), hold, terms)


def _compared(status: ReleaseStatus, hold: Hold, terms: Terms) -> ReleaseStatus:
    """The status, with what was compared."""
    counted = hold.counted
    both, first, second = total(counted.classes)
    return replace(
        status,
        since=status.since or hold.decided,
        against=hold.against,
        seconds=round(counted.seconds, 1),
        wanted=terms.seconds,
        frames=counted.frames,
        both=both,
        objects=both + first + second,
    )
