"""Which devices of a fleet need somebody: those that fail, are silent, or run an old model."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import IntEnum
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from devices.fleet.members import Member
from runtime.mqtt.report import Report

# Reports that may be missed before a device counts as silent; networks lose some.
MISSED = 3
# How long an engine or a source may take to start.
START_SECONDS = 90.0

RUNNING, STARTING, ENDED = "running", "starting", "ended"


# A broker that is stopped says of all devices that they are offline, a moment before it is gone; and
# they take so long to come back to it.
FAREWELL_SECONDS = 2.0
RETURN_SECONDS = 45.0


@dataclass(frozen=True)
class Outage:
    """A time in which the broker was away, and nobody could be heard; `end` is None while it is."""

    begin: float
    end: Optional[float] = None
    why: str = ""

    def excuses(self, since: float, now: float) -> bool:
        """Whether a device that is offline `since` then may be so for want of the broker only."""
        still = self.end is None or now - self.end < RETURN_SECONDS
        return still and since > self.begin - FAREWELL_SECONDS


class Rank(IntEnum):
    """The worst first."""

    FAILING = 0
    OFFLINE = 1
    STALE = 2
    OLD = 3
    WELL = 4

    @property
    def is_trouble(self) -> bool:
        """Whether the device doesn't do its work, as far as one can see."""
        return self < Rank.OLD


@dataclass(frozen=True)
class Verdict:
    """`age` is how many seconds ago the device last told of itself; `why` says what is wrong, in words."""

    member: Member
    rank: Rank
    age: float
    why: Tuple[str, ...] = ()


def judge(
    members: Iterable[Member], now: float, release: str = "", outage: Optional[Outage] = None
) -> List[Verdict]:
    """One verdict a member, the worst first, by name among equals.

    `now` is by the clock of `Member.at`. A model is old where its release comes before `release`, or
    else before that of most members; one without a release, where most members with a file of the
    same name have another file. The last `outage` of the broker is held against nobody: while it
    lasts, devices are judged as of its begin.
    """
    found = tuple(members)
    if outage is not None and outage.end is None:
        now = outage.begin
    expected = _Expected(found, release)
    verdicts = [_verdict(member, now, expected, outage) for member in found]
    return sorted(verdicts, key=lambda verdict: (verdict.rank, natural(verdict.member.name)))


def natural(text: str) -> Tuple[Tuple[bool, int, str], ...]:
    """A key by which v9 comes before v10."""
    parts = re.findall(r"\d+|\D+", text)
    return tuple((part.isdecimal(), int(part), "") if part.isdecimal() else (False, 0, part) for part in parts)


def _verdict(member: Member, now: float, expected: _Expected, outage: Optional[Outage]) -> Verdict:
    report = member.report
    age = max(now - member.at, 0.0)
    troubles = failures(report, age)
    old = expected.old(report)
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
        rank = Rank.FAILING if troubles else Rank.OLD if old else Rank.WELL
    return Verdict(member, rank, age, (*why, *([old] if old else [])))


def failures(report: Report, age: float = 0.0) -> List[str]:
    """What a device says that it cannot do; `age` is how many seconds ago it said so."""
    found = []
    for what, state in (("engine", report.engine), ("source", report.source)):
        late = report.time - report.started > START_SECONDS
        if state not in (RUNNING, ENDED) and (state != STARTING or late):
            found.append(f"{what} {state}")
    if report.reload:
        found.append(f"a new model was refused: {report.reload}")
    return found


class _Expected:
    """What the others run."""

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
        """What is old about its model; empty where nothing is."""
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
    """What more than half of the values are; empty where there is no such, or it is nothing."""
    counted = Counter(values)
    value, number = counted.most_common(1)[0] if counted else ("", 0)
    return value if 2 * number > sum(counted.values()) else ""
