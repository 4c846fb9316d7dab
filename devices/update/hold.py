"""Holds a new release back until the runtime has compared it, on this device, with the one that runs.

    downloaded and tested -> the link `shadow` -> the runtime compares -> long enough? -> a verdict and its reason

The time is what the runtime has counted by its monotonic clock, and so is that of clocks which jump. What it has counted is
kept in the updater's state, so that restarts add up.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, List, Mapping, Optional, Tuple

from devices.host.host import Host
from devices.host.paths import MODEL
from devices.update.probation import BAD, GOOD, TROUBLE, Verdict
from runtime.telemetry.health import Health

# After so many times the hold, with the device switched on, what was compared is too little.
LONGEST = 3
# A class is judged by itself if either model has found so many objects of it.
LEAST_OBJECTS = 20

ALL = "all classes"

# Objects of a class that (both, only the first, only the second) model has found.
Classes = Mapping[str, Tuple[int, int, int]]


# A verdict besides those of a probation: switched to before the comparison had ended.
TAKEN = "taken"


@dataclass(frozen=True)
class Terms:
    """What a release has to show before it is switched to.

    It is compared for so many `seconds`, 0 for not at all, and on at least so many `frames`. `agreement`, in 0..1, is the
    least share of the objects found by either model that both have to find, of each class and of all.
    """

    seconds: float = 0.0
    frames: int = 1000
    agreement: float = 0.5


@dataclass(frozen=True)
class Counted:
    """What was compared; `id` is that of the comparison, see `runtime.telemetry.comparison`."""

    id: str = ""
    seconds: float = 0.0
    frames: int = 0
    classes: Classes = field(default_factory=dict)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Counted:
        """What JSON has of it. Raises KeyError, TypeError or ValueError for something else."""
        content = dict(values)
        classes = {str(name): _three(counts) for name, counts in content.pop("classes").items()}
        return cls(classes=classes, **content)

    def plus(self, other: Counted) -> Counted:
        """The sum of both, with the `id` of `other`."""
        classes = {
            name: _sum(self.classes.get(name, (0, 0, 0)), other.classes.get(name, (0, 0, 0)))
            for name in dict.fromkeys((*self.classes, *other.classes))
        }
        return Counted(other.id, self.seconds + other.seconds, self.frames + other.frames, classes)


@dataclass(frozen=True)
class Hold:
    """A release that is held back, or was the last that has been.

    It is compared with the release `against`; `sha256` is the hash of its model's file. The device was on for `waited`
    seconds meanwhile, the last time seen at the `uptime` of the start `boot`. `before` is what was compared by runs of the
    runtime that are over, and `latest` what the present one has. `unknown` are the classes that the new model does not
    have, `added` those that only it has. `trouble` says why nothing is compared now. `word` and `reason` are those of the
    verdict, empty while there is none.
    """

    release: str
    against: str
    sha256: str = ""
    waited: float = 0.0
    boot: str = ""
    uptime: float = 0.0
    before: Counted = Counted()
    latest: Counted = Counted()
    unknown: Tuple[str, ...] = ()
    added: Tuple[str, ...] = ()
    trouble: str = ""
    word: str = ""
    reason: str = ""

    @property
    def is_open(self) -> bool:
        """Whether there is no verdict yet."""
        return not self.word

    @property
    def counted(self) -> Counted:
        """All that was compared."""
        return self.before.plus(self.latest)

    @classmethod
    def begun(cls, release: str, against: str, sha256: str, uptime: Uptime) -> Hold:
        """A hold that begins now."""
        return cls(release, against, sha256, boot=uptime.boot, uptime=uptime.seconds)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Hold:
        """What JSON has of it. Raises KeyError, TypeError or ValueError for something else."""
        content = dict(values)
        before, latest = (Counted.of(content.pop(name)) for name in ("before", "latest"))
        unknown, added = (tuple(map(str, content.pop(name))) for name in ("unknown", "added"))
        return cls(before=before, latest=latest, unknown=unknown, added=added, **content)

    def ended(self, verdict: Verdict) -> Hold:
        """This hold with its verdict."""
        return replace(self, word=verdict.word, reason=verdict.reason, trouble="")


@dataclass(frozen=True)
class Uptime:
    """How long the machine has been on: `seconds` since the start that is called `boot`. No change of the clock changes it."""

    boot: str
    seconds: float

    @classmethod
    def read(cls) -> Uptime:
        """That of this machine."""
        return cls(Host().text("/proc/sys/kernel/random/boot_id"), time.monotonic())


def looked_at(hold: Hold, health: Optional[Health], models: Path, uptime: Uptime) -> Tuple[Hold, Optional[Verdict]]:
    """The hold after a look at the runtime's health, and the verdict where the runtime cannot run the release.

    `models` is the folder of the releases; `health` is None where no runtime runs.
    """
    on = uptime.seconds - hold.uptime if uptime.boot == hold.boot else uptime.seconds
    hold = replace(hold, waited=hold.waited + max(0.0, on), boot=uptime.boot, uptime=uptime.seconds)
    shadow = health.shadow if health is not None else None
    trouble = _trouble(hold, health, models)
    if trouble or shadow is None:
        return replace(hold, trouble=trouble), None
    if shadow.error:
        verdict = Verdict(TROUBLE if shadow.may_pass else BAD, f"the runtime cannot run it beside {hold.against}: {shadow.error}")
        return replace(hold, trouble=""), verdict
    latest = Counted(shadow.id, shadow.seconds, shadow.frames, shadow.classes)
    # Another comparison has begun: what the one before it had is kept.
    before = hold.before if latest.id == hold.latest.id else hold.before.plus(hold.latest)
    return replace(hold, before=before, latest=latest, trouble="", unknown=shadow.only_first, added=shadow.only_second), None


def judge(hold: Hold, terms: Terms) -> Optional[Verdict]:
    """The verdict; None to look again later."""
    counted = hold.counted
    if counted.seconds >= terms.seconds and counted.frames >= terms.frames:
        return _by_agreement(hold, terms)
    if hold.waited >= LONGEST * terms.seconds:
        why = f": {hold.trouble}" if hold.trouble else ""
        return Verdict(
            TROUBLE,
            f"too little was compared in {span(hold.waited)}{why} ({_amount(counted)} of {span(terms.seconds)} and "
            f"{terms.frames} frames); ask for less with --shadow-for and --shadow-frames, or take it with --now",
        )
    return None


def progress(hold: Hold, terms: Terms) -> str:
    """How far a hold is, for people."""
    counted = hold.counted
    done = f"{span(counted.seconds)} of {span(terms.seconds)}, {counted.frames} of {terms.frames} frames"
    found = _found(counted.classes) if counted.frames else ""
    return f"{hold.release} is compared with it first: {done}{found}" + (f"; {hold.trouble}" if hold.trouble else "")


def summary(hold: Hold) -> str:
    """What was compared, and the verdict where there is one, for people."""
    counted = hold.counted
    if hold.is_open:
        found = _found(counted.classes) if counted.frames else ""
        text = f"{hold.release}: compared with {hold.against} for {_amount(counted)}{found}"
        return text + (f"; {hold.trouble}" if hold.trouble else "")
    return f"{hold.release}: {hold.word}: {hold.reason}"


def span(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h`, `2 d`."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def _trouble(hold: Hold, health: Optional[Health], models: Path) -> str:
    """Why the health says nothing about the hold; empty where it does."""
    if health is None:
        return "no runtime runs here"
    shadow = health.shadow
    if shadow is None:
        needed = f"shadow: {models.parent / 'shadow' / MODEL},follow=on"
        return f"the runtime compares nothing so far; runtime.yaml needs the line {needed}, or its command --shadow, and a restart"
    if not _is_of(shadow.model, models / hold.release):
        return f"the runtime still compares {shadow.model}"
    # One that cannot be loaded may be just that: damaged since its self-test.
    if not shadow.error and shadow.sha256 and hold.sha256 and shadow.sha256 != hold.sha256:
        return f"the runtime compares another file than was tested: {shadow.model}"
    if not _is_of(shadow.against, models / hold.against):
        return f"the runtime runs {shadow.against} instead of {hold.against}"
    return ""


def _is_of(model: str, folder: Path) -> bool:
    return os.path.dirname(os.path.realpath(model)) == os.path.realpath(folder)


def _by_agreement(hold: Hold, terms: Terms) -> Verdict:
    counted = hold.counted
    # What only one of the models can find says nothing about how well the other finds it.
    alone = {*hold.unknown, *hold.added}
    shared = {name: counts for name, counts in counted.classes.items() if name not in alone}
    bad: List[str] = []
    for name, counts in [*shared.items(), (ALL, _total(shared))]:
        both, first, second = counts
        if sum(counts) < LEAST_OBJECTS or both >= terms.agreement * sum(counts):
            continue
        if name == ALL and bad:
            # The classes say it.
            continue
        missed = not both and not second
        bad.append(f"{name} not once ({first} by {hold.against})" if missed else f"{name} {both / sum(counts):.0%} of {sum(counts)}")
    lost = f"; it does not know {', '.join(hold.unknown)}" if hold.unknown else ""
    text = f"compared with {hold.against} for {_amount(counted)}"
    if bad:
        return Verdict(
            BAD,
            f"{text}, too little is found by both: {', '.join(bad)}, under {terms.agreement:.0%}{lost}; look at what they disagree "
            "on (--collect), then take it with --retry --now, or publish a better one",
        )
    return Verdict(GOOD, f"{text}{_found(shared)}{lost}")


def _amount(counted: Counted) -> str:
    return f"{span(counted.seconds)} on {counted.frames} frames"


def _found(classes: Classes) -> str:
    both, first, second = _total(classes)
    objects = both + first + second
    return f", {both / objects:.0%} of {objects} objects found by both" if objects else ", neither has found anything"


def _total(classes: Classes) -> Tuple[int, int, int]:
    total = (0, 0, 0)
    for counts in classes.values():
        total = _sum(total, counts)
    return total


def _sum(one: Tuple[int, int, int], other: Tuple[int, int, int]) -> Tuple[int, int, int]:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _three(counts: Any) -> Tuple[int, int, int]:
    both, first, second = (int(count) for count in counts)
    return both, first, second
