"""Prints a fleet as text: a line for each device, the worst first."""

from __future__ import annotations

from collections import Counter
from typing import Any, Dict, List, Mapping, Sequence

from devices.fleet import releases
from devices.fleet.members import Bad
from devices.fleet.verdicts import Rank, Verdict
from devices.fleet.words import WIDEST, age, plain
from runtime.common.tables import columns

HEAD = ("device", "model", "release", "engine", "fps", "frames", "age", "health")

# Digits of the hash that stand for a model without a release.
HASH = 8


def lines(verdicts: Sequence[Verdict]) -> List[str]:
    """The head of the table, then one line for each of `verdicts`, in their order."""
    return columns([HEAD, *map(_row, verdicts)], left=(0, 1, 2, 3, 7)).split("\n")


def line(verdict: Verdict) -> str:
    """One device, without columns."""
    return "  ".join(_row(verdict))


def summary(verdicts: Sequence[Verdict]) -> str:
    """The number of devices of each rank: `12 devices: 1 failing, 11 well`."""
    number = Counter(verdict.rank for verdict in verdicts)
    devices = "1 device" if len(verdicts) == 1 else f"{len(verdicts)} devices"
    return f"{devices}: " + ", ".join(f"{number[rank]} {word(rank)}" for rank in Rank if number[rank])


def as_dict(verdict: Verdict) -> Dict[str, Any]:
    """A verdict and the report of its device, for JSON."""
    return {
        "device": verdict.member.name,
        "group": verdict.member.group,
        "rank": verdict.rank.name.lower(),
        "why": list(verdict.why),
        "age": round(verdict.age, 1),
        "online": verdict.member.online,
        **verdict.member.report.as_dict(),
    }


def word(rank: Rank) -> str:
    """A rank in words, as in `3 on an old model`."""
    return {Rank.OLD: "on an old model", Rank.REFUSING: "refusing a release"}.get(rank, rank.name.lower())


def bad(topic: str, found: Bad) -> str:
    """A line about the bad messages of a topic: `fleet/door/device: no report of a device: ... (2 messages)`."""
    messages = "1 message" if found.number == 1 else f"{found.number} messages"
    return f"{plain(topic)[:2 * WIDEST]}: {plain(found.why)[:2 * WIDEST]} ({messages})"


def bad_summary(found: Mapping[str, Bad]) -> str:
    """`; 3 bad messages from fleet/door/device`, for the end of a line; empty if there are none."""
    if not found:
        return ""
    number = sum(each.number for each in found.values())
    others = f" and {len(found) - 1} more" if len(found) > 1 else ""
    messages = "1 bad message" if number == 1 else f"{number} bad messages"
    return f"; {messages} from {plain(next(iter(found)))[:WIDEST]}{others}"


def _row(verdict: Verdict) -> Sequence[str]:
    report = verdict.member.report
    return (
        plain(verdict.member.name)[:WIDEST],
        plain(report.model)[:WIDEST],
        plain(report.release or report.sha256[:HASH])[:WIDEST],
        plain(report.versions.engine)[:WIDEST],
        f"{report.fps:.1f}",
        str(report.counts.frames),
        age(verdict.age),
        plain("; ".join((*(verdict.why or ("well",)), *releases.texts(report)))),
    )
