"""The devices of a fleet, built from the MQTT messages about them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Dict, Optional, Tuple

from runtime.mqtt import topics
from runtime.mqtt.report import Report

# How many levels of groups a topic may have between the fleet's topic and a device's name.
DEPTHS = (0, 1, 2)

# The most topics of bad messages that are remembered; whoever may publish could make up any number.
MOST_BAD = 100


@dataclass(frozen=True)
class Member:
    """A device that has reported.

    `name` is its topic without the fleet's topic, and `group` the levels of the name before the last. `at` is when the
    last `report` was written. `online` is what the broker says, None where it has said nothing, and `online_at` when
    that began. Times are those of the clock of `Fleet.receive`.
    """

    name: str
    report: Report
    at: float = 0.0
    online: Optional[bool] = None
    online_at: float = 0.0

    @property
    def group(self) -> str:
        """The group of the device; empty where it is in none."""
        return self.name.rpartition("/")[0]

    def belongs_to(self, group: str) -> bool:
        """Whether the device is in `group`, or in a group inside that group."""
        return f"{self.group}/".startswith(f"{group}/")


def filters(base: str) -> Tuple[str, ...]:
    """The topic filters for the reports and the states of the devices of the fleet at `base`."""
    return tuple(
        "/".join((base, *["+"] * (depth + 1), last)) for last in (topics.DEVICE, topics.STATUS) for depth in DEPTHS
    )


@dataclass(frozen=True)
class _Online:
    """Whether a device is online, and since when the broker says so."""

    online: Optional[bool] = None
    since: float = 0.0


@dataclass(frozen=True)
class Bad:
    """Messages of a topic that could not be read: their number, and why the last one could not."""

    number: int
    why: str


class Fleet:
    """The devices whose messages were received. Safe for use by several threads."""

    def __init__(self, base: str) -> None:
        """`base` is the topic with which the topics of all devices begin."""
        self._base = base
        self._reports: Dict[str, Tuple[Report, float]] = {}
        self._online: Dict[str, _Online] = {}
        self._bad: Dict[str, Bad] = {}
        self._lock = threading.Lock()

    def receive(self, topic: str, payload: bytes, kept: bool, now: float, clock: float) -> None:
        """Takes a message; messages that are not from a device are ignored, and bad ones counted in `bad`.

        `now` is the time of a monotonic clock, `clock` is in seconds since 1970. A message that the broker has `kept`
        was written earlier; its age is only known by the device's own clock.
        """
        name, _, last = topic[len(self._base) + 1 :].rpartition("/")
        try:
            text = payload.decode()
            if last == topics.DEVICE:
                report = Report.parse(text)
                self._change(name, report, now - max(clock - report.time, 0.0) if kept else now)
            elif last == topics.STATUS and text in (topics.ONLINE, topics.OFFLINE):
                self._set_online(name, text == topics.ONLINE, now)
        except ValueError as error:
            if last == topics.DEVICE and not payload:
                self._forget(name)
            # Other topics may end like this, too: those of a class of objects called "device", for example.
            elif name.rpartition("/")[2] != topics.OBJECTS:
                self.refuse(topic, error)

    def refuse(self, topic: str, error: Exception) -> None:
        """Counts a message of `topic` that could not be read because of `error`."""
        with self._lock:
            if topic in self._bad or len(self._bad) < MOST_BAD:
                known = self._bad.get(topic, Bad(0, ""))
                self._bad[topic] = Bad(known.number + 1, str(error) or type(error).__name__)

    def bad(self) -> Dict[str, Bad]:
        """The messages that could not be read, by topic; of at most MOST_BAD topics."""
        with self._lock:
            return dict(self._bad)

    def members(self) -> Tuple[Member, ...]:
        """All devices that have reported."""
        with self._lock:
            found = []
            for name, (report, at) in self._reports.items():
                state = self._online.get(name, _Online())
                found.append(Member(name, report, at, state.online, state.since))
            return tuple(found)

    def _change(self, name: str, report: Report, at: float) -> None:
        with self._lock:
            known = self._reports.get(name)
            if known is not None and known[0] == report:
                # The broker sends it again after an interruption; it is not newer for that.
                at = min(at, known[1])
            self._reports[name] = report, at

    def _set_online(self, name: str, online: bool, now: float) -> None:
        with self._lock:
            if self._online.get(name, _Online()).online is not online:
                self._online[name] = _Online(online, now)

    def _forget(self, name: str) -> None:
        with self._lock:
            self._reports.pop(name, None)
            self._online.pop(name, None)
