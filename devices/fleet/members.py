"""The devices of a fleet, put together of the messages about them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Dict, Optional, Tuple

from runtime.mqtt import topics
from runtime.mqtt.report import Report

# How many levels of a topic may lie between the fleet's and a device's name: its group.
DEPTHS = (0, 1, 2)


@dataclass(frozen=True)
class Member:
    """A device. `name` is its topic without the fleet's, `group` the levels of it before the last.

    `online` is what the broker says, and `online_at` when it began to say so; None where it has said
    nothing. `at` is when the last report was written. Both by the clock of `Fleet.hear`.
    """

    name: str
    report: Optional[Report] = None
    at: float = 0.0
    online: Optional[bool] = None
    online_at: float = 0.0

    @property
    def group(self) -> str:
        return self.name.rpartition("/")[0]

    def belongs_to(self, group: str) -> bool:
        """Whether it is of `group`, or of a group in that one."""
        return f"{self.group}/".startswith(f"{group}/")


def filters(base: str) -> Tuple[str, ...]:
    """The topics under which the devices of the fleet at `base` tell of themselves."""
    return tuple(
        "/".join((base, *["+"] * (depth + 1), last)) for last in (topics.DEVICE, topics.STATUS) for depth in DEPTHS
    )


class Fleet:
    """Any thread may write and read."""

    def __init__(self, base: str) -> None:
        """`base` is the topic that those of all devices begin with."""
        self._base = base
        self._members: Dict[str, Member] = {}
        self._lock = threading.Lock()

    def hear(self, topic: str, payload: bytes, kept: bool, now: float, clock: float) -> None:
        """Takes a message; what is none of a device's is passed over.

        `now` is by a clock that runs evenly, `clock` is in seconds since 1970.
        A message that the broker has `kept` was written before; when, only the device's clock knows.
        """
        name, _, last = topic[len(self._base) + 1 :].rpartition("/")
        try:
            text = payload.decode()
            if last == topics.DEVICE:
                report = Report.parse(text)
                self._change(name, report, now - max(clock - report.time, 0.0) if kept else now)
            elif last == topics.STATUS and text in (topics.ONLINE, topics.OFFLINE):
                self._turn(name, text == topics.ONLINE, now)
        except ValueError:
            # Others may use such topics too: a class of objects that is called "device", for one.
            if last == topics.DEVICE and not payload:
                self._forget(name)

    def members(self) -> Tuple[Member, ...]:
        """All that have told of themselves."""
        with self._lock:
            return tuple(member for member in self._members.values() if member.report is not None)

    def _change(self, name: str, report: Report, at: float) -> None:
        with self._lock:
            member = self._members.get(name, Member(name))
            if member.report == report:
                # The broker tells it again after a break; it's not newer for that.
                at = min(at, member.at)
            self._members[name] = replace(member, report=report, at=at)

    def _turn(self, name: str, online: bool, now: float) -> None:
        with self._lock:
            member = self._members.get(name, Member(name))
            if member.online is not online:
                self._members[name] = replace(member, online=online, online_at=now)

    def _forget(self, name: str) -> None:
        with self._lock:
            self._members.pop(name, None)
