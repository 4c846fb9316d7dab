"""New releases in a fleet: what each device says of them, and how many refuse, hold or run each."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence

from devices.fleet.verdicts import Verdict, natural, refused
from devices.fleet.words import WIDEST, age, plain
from runtime.mqtt.report import Agreement, Report
from runtime.telemetry.release_status import HELD, PASSED, POSTPONED, REFUSED, ReleaseStatus

# No hold is as long as this.
_LONGEST_HOLD = 366 * 86400.0


def texts(report: Report) -> List[str]:
    """What a device says of the releases that it holds or has put off, and of its second model. What it refuses is its verdict's."""
    found, second = [], _second_model(report)
    for status in report.releases:
        name = status.release[:WIDEST]
        if status.state == HELD:
            found.append(f"{name} held{_since(status, report)}: {_compared(status, report)}" + _reason(status))
            if report.shadow is not None and report.shadow.release == status.release and not report.shadow.error:
                # This says it already.
                second = []
        elif status.state == PASSED:
            found.append(f"{name} has passed its comparison, and takes over with the next update")
        elif status.state == POSTPONED:
            found.append(f"{name} put off{_since(status, report)}: {status.brief}")
    return [*found, *second]


def summary(verdicts: Sequence[Verdict]) -> List[str]:
    """A line for each release that a device refuses, holds or has put off, the newest first; those that most refuse cannot be missed.

    `2025.12: refused by 3 of 12 devices (for one: too little is found by both: person 31% of 890), held by 5, runs on 4`
    """
    reports = [verdict.member.report for verdict in verdicts]
    by_release: Dict[str, Dict[str, List[ReleaseStatus]]] = {}
    for report in reports:
        for status in (*refused(report), *(status for status in report.releases if status.state in (HELD, PASSED, POSTPONED))):
            by_release.setdefault(status.release, {}).setdefault(status.state, []).append(status)
    lines = []
    for release in sorted(by_release, key=natural, reverse=True):
        states = by_release[release]
        parts: List[str] = []
        for state, words in ((REFUSED, "refused by"), (POSTPONED, "put off by"), (HELD, "held by"), (PASSED, "passed on")):
            if state in states:
                of = "" if parts else f" of {len(reports)} {'device' if len(reports) == 1 else 'devices'}"
                parts.append(f"{words} {len(states[state])}{of}" + (_why(states[state]) if state in (REFUSED, POSTPONED) else ""))
        running = sum(report.release == release for report in reports)
        parts += [f"runs on {running}"] if running else []
        lines.append(plain(f"{release[:WIDEST]}: {', '.join(parts)}"))
    return lines


def _why(statuses: Sequence[ReleaseStatus]) -> str:
    reasons = {status.brief: "" for status in statuses}
    first = next(iter(reasons))
    return f" ({'for one: ' if len(reasons) > 1 else ''}{first})" if first else ""


def _reason(status: ReleaseStatus) -> str:
    return f"; {status.brief}" if status.reason else ""


def _since(status: ReleaseStatus, report: Report) -> str:
    """` for 5 h`, by the device's own clock; nothing where that was certainly set to another time since."""
    passed = report.time - status.since
    return f" for {age(passed)}" if status.since and 0 <= passed < _LONGEST_HOLD else ""


def _compared(status: ReleaseStatus, report: Report) -> str:
    shadow, share, objects = report.shadow, status.share, status.objects
    seconds, frames = status.seconds, status.frames
    if shadow is not None and shadow.release == status.release and shadow.frames > frames:
        # The updater looks once an hour.
        seconds, frames, share, objects = shadow.seconds, shadow.frames, shadow.share, _objects(shadow)
    wanted = f" of {age(status.wanted)}" if status.wanted else ""
    return f"compared with {status.against[:WIDEST]} for {age(seconds)}{wanted}, {_agreement(share, objects)}, {frames} frames"


def _second_model(report: Report) -> List[str]:
    """`2025.12 beside it for 5 h: 91% of 452 objects found by both, 5210 frames`; nothing without a second model."""
    shadow = report.shadow
    if shadow is None:
        return []
    name = (shadow.release or shadow.model)[:WIDEST]
    if shadow.error:
        return [f"{name} beside it: ended: {shadow.error[:2 * WIDEST]}"]
    # Older devices don't say how long.
    time = f" for {age(shadow.seconds)}" if shadow.seconds else ""
    return [f"{name} beside it{time}: {_agreement(shadow.share, _objects(shadow))}, {shadow.frames} frames"]


def _objects(shadow: Agreement) -> int:
    return sum(map(sum, shadow.classes.values()))


def _agreement(share: Optional[float], objects: int) -> str:
    return "nothing found yet" if share is None else f"{share:.0%} of {objects} objects found by both"
