"""Messages to an MQTT broker: what was found, and how the run goes. `runtime.mqtt.topics` has the topics."""

from __future__ import annotations

import argparse
import threading
from typing import Any, Dict, List, Optional, Sequence, Set

from runtime.common import settings
from runtime.common.detection_json import line
from runtime.common.options import seconds
from runtime.common.values import Detection, Frame
from runtime.mqtt import topics
from runtime.mqtt.address import PASSWORD, USER, Broker, level
from runtime.sinks import Sink
from runtime.sources import Source
from runtime.telemetry.state import State

KIND = "an MQTT broker (mqtt://HOST/TOPIC, mqtts://)"

OPTION = "--mqtt"

TICK_SECONDS = 1.0
STATE_TICKS = 10
REPORT_SECONDS = 30.0


def options(parser: Any) -> None:
    parser.add_argument(
        OPTION,
        metavar="ADDRESS",
        help="tell an MQTT broker what is found: mqtt://HOST:PORT/TOPIC, or mqtts:// for TLS; user and password are "
        f"taken from {USER} and {PASSWORD}; ADDRESS,qos=1,ca=FILE,discovery=homeassistant,every=30 sets more",
    )


def specs(arguments: argparse.Namespace) -> List[str]:
    if not arguments.mqtt:
        return []
    return [arguments.mqtt if "://" in arguments.mqtt else f"mqtt://{arguments.mqtt}"]


def accepts(spec: str) -> bool:
    return spec.startswith(("mqtt://", "mqtts://"))


def connect(spec: str, source: Source) -> Sink:
    address, found = settings.parse(spec, {"qos": _qos, "ca": str, "discovery": _topic, "every": seconds}, OPTION)
    broker = Broker.parse(address, OPTION)
    from runtime.mqtt import client

    client.check(broker, found.get("ca"), OPTION)
    return Mqtt(client.load(OPTION), broker, **found)


class Mqtt(Sink):
    """Tells what it can and never waits: while the broker is away, frames wait up to a limit, and
    those beyond it are counted as dropped.
    """

    lossless = False

    def __init__(
        self,
        library: Any,
        broker: Broker,
        qos: int = 1,
        ca: Optional[str] = None,
        discovery: Optional[str] = None,
        every: float = REPORT_SECONDS,
    ) -> None:
        """`discovery` is the topic under which Home Assistant looks for announcements, `every` how many
        seconds may pass between two reports of the device.
        """
        self._broker = broker
        self._discovery_prefix = discovery
        self._discovery: Optional[topics.Discovery] = None
        # Here, since they cost a run without a broker time and memory.
        from runtime.mqtt.connection import Connection
        from runtime.mqtt.reporter import Reporter

        self._reporter_of = Reporter
        self._connection = Connection(library, broker, ca, qos, self._tell_all, self._count_lost, OPTION)
        self._every = every
        self._reporter: Any = None
        self._state: Optional[State] = None
        self._lock = threading.Lock()
        self._found_before = False
        self._frames = 0
        self._most: Dict[str, int] = {}
        self._kept: Dict[str, str] = {}
        self._known: Set[str] = set()
        self._stopped = threading.Event()
        self._ticking: Optional[threading.Thread] = None

    def attach(self, state: State) -> None:
        self._state = state
        if self._discovery_prefix:
            self._discovery = topics.Discovery(
                self._discovery_prefix, self._broker.topic, state.snapshot()["model"] or "detector"
            )
            self._kept.update(self._discovery.always())
        self._kept[self._topic(topics.STATUS)] = topics.ONLINE
        self._reporter = self._reporter_of(state, self._every)
        self._connection.open(self._topic(topics.STATUS), topics.OFFLINE)
        self._ticking = threading.Thread(target=self._tick, name="mqtt", daemon=True)
        self._ticking.start()

    def write(self, frame: Frame, detections: Sequence[Detection]) -> None:
        counts: Dict[str, int] = {}
        for detection in detections:
            counts[detection.label] = counts.get(detection.label, 0) + 1
        with self._lock:
            self._frames += 1
            for label, number in counts.items():
                self._most[label] = max(number, self._most.get(label, 0))
        if detections or self._found_before:
            self._connection.publish(self._topic(topics.DETECTIONS), line(frame, detections), counted=True)
        self._found_before = bool(detections)

    def close(self) -> None:
        self._stopped.set()
        if self._ticking is not None:
            self._ticking.join(TICK_SECONDS)
            self._connection.close(self._topic(topics.STATUS), topics.OFFLINE)
            self._ticking = None

    def discard(self) -> None:
        self.close()

    def _tick(self) -> None:
        ticks = 0
        while not self._stopped.wait(TICK_SECONDS):
            snapshot = self._state.snapshot()
            self._keep(self._topic(topics.SOURCE), snapshot["source"]["state"])
            self._keep_counts()
            report = self._reporter.due()
            if report is not None:
                self._keep(self._topic(topics.DEVICE), report.text())
            if ticks % STATE_TICKS == 0 and self._connection.connected:
                self._connection.publish(self._topic(topics.STATE), topics.state(snapshot))
            ticks += 1

    def _keep_counts(self) -> None:
        with self._lock:
            frames, most = self._frames, self._most
            self._frames, self._most = 0, {}
        # Without a frame, nothing is known about what is in view.
        if not frames:
            return
        for label in sorted(self._known | set(most)):
            if label not in self._known and self._discovery is not None:
                self._keep(*self._discovery.objects(label))
            self._known.add(label)
            self._keep(self._topic(topics.OBJECTS, level(label)), str(most.get(label, 0)))

    def _keep(self, topic: str, text: str) -> None:
        """Tells what is new; a broker that is away gets it when it is back."""
        with self._lock:
            if self._kept.get(topic) == text:
                return
            self._kept[topic] = text
        if self._connection.connected:
            self._connection.publish(topic, text, retain=True)

    def _tell_all(self) -> None:
        """A broker that was started anew may have forgotten what it was to keep."""
        self._reporter.renew()
        with self._lock:
            kept = dict(self._kept)
        for topic, text in kept.items():
            self._connection.publish(topic, text, retain=True)

    def _count_lost(self, number: int) -> None:
        if self._state is not None:
            self._state.dropped_by_sink(self.name, number)

    def _topic(self, *levels: str) -> str:
        return "/".join((self._broker.topic, *levels))


def _qos(text: str) -> int:
    # Not 2: after a reconnection paho sends more at once than Mosquitto takes at that quality, and is
    # thrown out again and again. What comes twice can be told by the frame's number.
    if text not in ("0", "1"):
        raise ValueError("the quality of service is 0 or 1")
    return int(text)


def _topic(text: str) -> str:
    if not text.strip("/") or any(mark in text for mark in "+#"):
        raise ValueError("give the topic under which Home Assistant looks, by its default homeassistant")
    return text.strip("/")
