"""A release that is held back until the runtime has compared it, on this device, with the one that runs.

    downloaded and tested -> the link `shadow` -> the runtime compares -> long enough? -> a verdict and its reason

The time is what the runtime has counted by its monotonic clock, and so is that of clocks which jump. What it has counted is
kept in the updater's state, so that restarts add up.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any, Mapping, Tuple

from devices.host.host import Host
from devices.update.verdicts.verdict import Verdict

# Objects of a class that (both, only the first, only the second) model has found.
Classes = Mapping[str, Tuple[int, int, int]]


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
    have, `added` those that only it has. It began at `since` and its verdict was reached at the time `decided`, in seconds since 1970 by
    the device's clock, 0 where that is unknown. `trouble` says why nothing is compared now. `word` and `reason` are those of the
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
    since: float = 0.0
    decided: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether there is no verdict yet."""
        return not self.word

    @property
    def counted(self) -> Counted:
        """All that was compared."""
        return self.before.plus(self.latest)

    @classmethod
    def begun(cls, release: str, against: str, sha256: str, uptime: Uptime, now: float = 0.0) -> Hold:
        """A hold that begins `now`, in seconds since 1970."""
        return cls(release, against, sha256, boot=uptime.boot, uptime=uptime.seconds, since=now)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Hold:
        """What JSON has of it. Raises KeyError, TypeError or ValueError for something else."""
        content = dict(values)
        before, latest = (Counted.of(content.pop(name)) for name in ("before", "latest"))
        unknown, added = (tuple(map(str, content.pop(name))) for name in ("unknown", "added"))
        return cls(before=before, latest=latest, unknown=unknown, added=added, **content)

    def ended(self, verdict: Verdict, now: float) -> Hold:
        """This hold with its verdict, which was reached `now`, in seconds since 1970."""
        return replace(self, word=verdict.word, reason=verdict.reason, trouble="", decided=now)


@dataclass(frozen=True)
class Uptime:
    """How long the machine has been on: `seconds` since the start that is called `boot`. No change of the clock changes it."""

    boot: str
    seconds: float

    @classmethod
    def read(cls) -> Uptime:
        """That of this machine."""
        return cls(Host().text("/proc/sys/kernel/random/boot_id"), time.monotonic())


def total(classes: Classes) -> Tuple[int, int, int]:
    """The objects of all `classes` that (both, only the first, only the second) model has found."""
    found = (0, 0, 0)
    for counts in classes.values():
        found = _sum(found, counts)
    return found


def _sum(one: Tuple[int, int, int], other: Tuple[int, int, int]) -> Tuple[int, int, int]:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _three(counts: Any) -> Tuple[int, int, int]:
    both, first, second = (int(count) for count in counts)
    return both, first, second
