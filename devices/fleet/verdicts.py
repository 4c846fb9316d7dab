"""Judges the devices of a fleet: which of them fail, are offline or silent, refuse a release, or run an old model."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import IntEnum
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from devices.fleet.members import Member
from devices.fleet.words import WIDEST
from runtime.mqtt.report import Report
from runtime.telemetry.release_status import REFUSED, ReleaseStatus

# So many missed reports make a device stale; a network may lose a few.
MISSED = 3
# Seconds that an engine or a source may take to start.
START_SECONDS = 90.0

RUNNING, STARTING, ENDED = "running", "starting", "ended"

# A broker that is stopped publishes that all devices are offline up to so many seconds before its connections close,
# and devices take up to RETURN_SECONDS to reconnect.
FAREWELL_SECONDS = 2.0
RETURN_SECONDS = 45.0


@dataclass(frozen=True)
class Outage:
    """A time in which the broker was away and no messages came; `end` is None while it lasts."""

    begin: float
    end: Optional[float] = None
    why: str = ""

    def excuses(self, since: float, now: float) -> bool:
        """Whether a device that is offline since the time `since` may be so only because of the outage."""
        still = self.end is None or now - self.end < RETURN_SECONDS
        return still and since > self.begin - FAREWELL_SECONDS


class Rank(IntEnum):
    """How a device is doing, the worst first."""

    FAILING = 0
    OFFLINE = 1
    STALE = 2
    REFUSING = 3
    OLD = 4
    WELL = 5

    @property
    def is_trouble(self) -> bool:
        """Whether the device does not do its work, as far as is known."""
        return self < Rank.REFUSING


@dataclass(frozen=True)
class Verdict:
    """The judgement of one device. `age` is the age of its last report in seconds; `why` lists what is wrong."""

    member: Member
    rank: Rank
    age: float
    why: Tuple[str, ...] = ()


def judge(
    members: Iterable[Member], now: float, release: str = "", outage: Optional[Outage] = None
) -> List[Verdict]:
    """One verdict for each member, the worst first, then by name.

    `now` is a time of the clock of `Member.at`. A model is old if its release comes before `release`, or before the
    release of most members if that is empty. A model without a release is old if most members have another file of
    the same name. `outage` is the last outage of the broker, which is not held against devices: while it lasts, they
    are judged as of its beginning.
    """
    found = tuple(members)
    if outage is not None and outage.end is None:
        now = outage.begin
    expected = _Expected(found, release)
    verdicts = [_verdict(member, now, expected, outage) for member in found]
    return sorted(verdicts, key=lambda verdict: (verdict.rank, natural(verdict.member.name)))


def natural(text: str) -> Tuple[Tuple[bool, int, str], ...]:
    """A sort key by which v9 comes before v10."""
    # Numbers are compared by their length first: Python refuses to convert one of thousands of digits.
    parts = re.findall(r"[0-9]+|[^0-9]+", text)
    numbers = [part.lstrip("0") if part[0] in "0123456789" else None for part in parts]
    return tuple(
        (False, 0, part) if number is None else (True, len(number), number) for part, number in zip(parts, numbers)
    )


def _verdict(member: Member, now: float, expected: _Expected, outage: Optional[Outage]) -> Verdict:
    report = member.report
    age = max(now - member.at, 0.0)
    troubles = failures(report)
    old = expected.old(report)
    refusals = [f"refuses {status.release[:WIDEST]}: {status.brief}" for status in refused(report)]
    heard = max(member.at, outage.end) if outage is not None and outage.end is not None else member.at
    offline = member.online is False and not (outage is not None and outage.excuses(member.online_at, now))
    why = [*troubles]
    if offline:
        rank = Rank.OFFLINE
        why.insert(0, "offline")
    elif now - heard > MISSED * report.every:
        rank = Rank.STALE
        why.insert(0, "stale")
    else:
        rank = Rank.FAILING if troubles else Rank.REFUSING if refusals else Rank.OLD if old else Rank.WELL
    return Verdict(member, rank, age, (*why, *refusals, *([old] if old else [])))


def failures(report: Report) -> List[str]:
    """What does not work on a device, by its report."""
    found = []
    for what, state, error in (("engine", report.engine, ""), ("source", report.source, report.source_error)):
        late = report.time - report.started > START_SECONDS
        if error:
            found.append(f"{what} ended: {error}")
        elif state not in (RUNNING, ENDED) and (state != STARTING or late):
            found.append(f"{what} {state}")
    if report.reload:
        found.append(f"a new model was refused: {report.reload}")
    return found


def refused(report: Report) -> List[ReleaseStatus]:
    """The releases that a device refuses."""
    return [status for status in report.releases if status.state == REFUSED]


class _Expected:
    """The release and the files that devices are expected to run: the ones asked for, or those of most devices."""

    def __init__(self, members: Sequence[Member], release: str) -> None:
        self._release = release or _most(member.report.release for member in members)
        self._files: Dict[str, str] = {}
        by_name: Dict[str, List[str]] = {}
        for member in members:
            by_name.setdefault(member.report.model, []).append(member.report.sha256)
        for name, files in by_name.items():
            self._files[name] = _most(files)
        self._asked = bool(release)

    def old(self, report: Report) -> str:
        """Why the model of a device is old; empty where it is not."""
        if report.release and self._release:
            if natural(report.release) < natural(self._release):
                return f"old model ({self._release} is {'asked for' if self._asked else 'usual'})"
            return ""
        if self._asked:
            return f"model without a release ({self._release} is asked for)"
        if not report.release and self._files.get(report.model, "") not in ("", report.sha256):
            return "another model than most"
        return ""


def _most(values: Iterable[str]) -> str:
    """The value that more than half of `values` have; empty where there is none."""
    counted = Counter(values)
    value, number = counted.most_common(1)[0] if counted else ("", 0)
    return value if 2 * number > sum(counted.values()) else ""
