"""MQTT messages with the detections and the state of the run. `runtime.mqtt.topics` describes the topics."""

from __future__ import annotations

import argparse
import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence, Tuple

from runtime.common import settings
from runtime.common.detection_json import line
from runtime.common.options import seconds
from runtime.common.values import Detection, Frame
from runtime.mqtt import topics
from runtime.mqtt.address import PASSWORD, USER, Broker, distinct_level
from runtime.sinks import SharedSink, Sink
from runtime.sources import Source
from runtime.telemetry.state import State

if TYPE_CHECKING:
    from runtime.mqtt.reporter import Reporter

KIND = "an MQTT broker (mqtt://HOST/TOPIC, mqtts://)"

OPTION = "--mqtt"

_CAMERA = "{camera}"

TICK_SECONDS = 1.0
STATE_TICKS = 10
REPORT_SECONDS = 30.0


def options(parser: Any) -> None:
    """Adds `--mqtt`."""
    parser.add_argument(
        OPTION,
        metavar="ADDRESS",
        help="publish detections to an MQTT broker: mqtt://HOST:PORT/TOPIC, or mqtts:// for TLS; user and password are "
        f"read from {USER} and {PASSWORD}; settings follow after commas "
        f"(qos=1, ca=FILE, discovery=homeassistant, every={REPORT_SECONDS:g})",
    )


def specs(arguments: argparse.Namespace) -> List[str]:
    """The sink that `--mqtt` asks for, if it was given."""
    if not arguments.mqtt:
        return []
    return [arguments.mqtt if "://" in arguments.mqtt else f"mqtt://{arguments.mqtt}"]


def accepts(spec: str) -> bool:
    """Whether `spec` names an MQTT broker."""
    return spec.startswith(("mqtt://", "mqtts://"))


def connect(spec: str, source: Source) -> Sink:
    """Makes the MQTT sink. Raises InputError for a wrong address or settings, or if paho-mqtt is missing."""
    return _connect(spec)


def connect_shared(spec: str) -> MqttOfCameras:
    """The same for several cameras, whose topics are TOPIC/CAMERA/..., or have the camera's name in place of `{camera}`."""
    _connect(spec.replace(_CAMERA, "camera"))
    return MqttOfCameras(spec)


def _connect(spec: str, camera: str = "") -> Mqtt:
    address, found = settings.parse(
        spec.replace(_CAMERA, camera), {"qos": _qos, "ca": str, "discovery": _topic, "every": seconds}, OPTION
    )
    broker = Broker.parse(address, OPTION)
    if camera and _CAMERA not in spec:
        broker = replace(broker, topic=f"{broker.topic}/{camera}")
    from runtime.mqtt import client

    client.check(broker, found.get("ca"), OPTION)
    return Mqtt(client.load(OPTION), broker, **found)


class MqttOfCameras(SharedSink):
    """A connection for each camera, from before its source is open: a camera that is down can be seen there."""

    def __init__(self, spec: str) -> None:
        self._spec = spec
        self._sinks: Dict[str, Mqtt] = {}

    def start(self, states: Mapping[str, State]) -> None:
        """Connects. Raises InputError if the broker refuses the connection."""
        for camera, state in states.items():
            self._sinks[camera] = sink = _connect(self._spec, camera)
            sink.attach(state)

    def sink(self, camera: str) -> Sink:
        """Publishes what is in the frames of one camera."""
        return _CameraMqtt(self._sinks[camera])

    def close(self) -> None:
        """Says that all are offline, and disconnects."""
        closing = [threading.Thread(target=sink.close, daemon=True) for sink in self._sinks.values()]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join()


class Mqtt(Sink):
    """Publishes without ever blocking the run.

    While the broker cannot be reached, detections wait up to a limit, and frames beyond it count as dropped. Of the
    state, the last value of each topic waits, and is sent first.
    """

    name = "mqtt"
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
        """Opens no connection yet; `attach` does.

        `library` is paho.mqtt.client. `qos` is 0 or 1. `ca` is a file of CA certificates for TLS. `discovery`
        is Home Assistant's discovery topic, None for no announcements. `every` is the most seconds between two
        reports of the device. Raises InputError if `ca` cannot be read.
        """
        self._broker = broker
        self._discovery_prefix = discovery
        self._discovery: Optional[topics.Discovery] = None
        self._has_button = False
        # Imported here, since they cost time and memory that a run without MQTT need not spend.
        from runtime.mqtt.connection import Connection
        from runtime.mqtt.reporter import Reporter

        self._make_reporter = Reporter
        commands = {self._topic(topics.COLLECT): self._ask_for_image}
        self._connection = Connection(library, broker, ca, qos, self._renew_report, self._count_lost, OPTION, commands)
        self._every = every
        self._reporter: Optional[Reporter] = None
        self._state: Optional[State] = None
        self._lock = threading.Lock()
        self._had_objects = False
        self._frames = 0
        self._most_objects: Dict[str, int] = {}
        # The level of a topic for each class that was seen.
        self._levels: Dict[str, str] = {}
        # The topics of each zone and line, by kind and name.
        self._areas: Dict[Tuple[str, str], List[str]] = {}
        self._stopped = threading.Event()
        self._ticking: Optional[threading.Thread] = None

    def attach(self, state: State) -> None:
        """Connects. Raises InputError if the broker refuses the connection."""
        self._state = state
        if self._discovery_prefix:
            self._discovery = topics.Discovery(
                self._discovery_prefix, self._broker.topic, state.snapshot()["model"] or "detector"
            )
            for topic, text in self._discovery.always():
                self._connection.keep(topic, text)
        self._connection.keep(self._topic(topics.STATUS), topics.ONLINE)
        self._reporter = self._make_reporter(state, self._every)
        self._connection.open(self._topic(topics.STATUS), topics.OFFLINE)
        self._ticking = threading.Thread(
            target=self._publish_state, args=(state, self._reporter), name="mqtt", daemon=True
        )
        self._ticking.start()
        state.listen(lambda event: self._connection.publish(self._topic(topics.EVENT), json.dumps(event)))

    def write(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """Publishes the line of a frame with objects, and of the first frame without."""
        counts: Dict[str, int] = {}
        for detection in detections:
            counts[detection.label] = counts.get(detection.label, 0) + 1
        with self._lock:
            self._frames += 1
            for label, number in counts.items():
                self._most_objects[label] = max(number, self._most_objects.get(label, 0))
        if detections or self._had_objects:
            self._connection.publish(self._topic(topics.DETECTIONS), line(frame, detections), counted=True)
        self._had_objects = bool(detections)

    def close(self) -> None:
        """Publishes the last part of a second and that the detector is offline, and disconnects."""
        self._stopped.set()
        if self._ticking is not None:
            self._ticking.join(TICK_SECONDS)
            if self._state is not None and self._reporter is not None and not self._ticking.is_alive():
                self._publish_tick(self._state, self._reporter, with_state=True)
            self._connection.close(self._topic(topics.STATUS), topics.OFFLINE)
            self._ticking = None

    def discard(self) -> None:
        """Same as `close`."""
        self.close()

    def _publish_state(self, state: State, reporter: Reporter) -> None:
        """Thread that publishes everything except detections, once per tick."""
        ticks = 0
        while not self._stopped.wait(TICK_SECONDS):
            self._publish_tick(state, reporter, ticks % STATE_TICKS == 0)
            ticks += 1

    def _publish_tick(self, state: State, reporter: Reporter, with_state: bool) -> None:
        snapshot = state.snapshot()
        self._connection.keep(self._topic(topics.SOURCE), snapshot["source"]["state"])
        if self._discovery is not None and "collect" in snapshot and not self._has_button:
            # Of several cameras, one that is open late begins to collect late.
            self._has_button = True
            self._connection.keep(*self._discovery.collect())
        self._publish_counts(snapshot["labels"])
        if "areas" in snapshot:
            self._publish_areas(snapshot["areas"])
        report = reporter.due()
        if report is not None:
            self._connection.keep(self._topic(topics.DEVICE), report.text())
        if with_state and self._connection.connected:
            self._connection.publish(self._topic(topics.STATE), topics.state(snapshot))

    def _publish_counts(self, labels: Sequence[str]) -> None:
        """Publishes the counts by class; `labels` are the classes of the model, which may have been swapped."""
        with self._lock:
            frames, most = self._frames, self._most_objects
            self._frames, self._most_objects = 0, {}
        # Without a frame, the number of objects in view is unknown.
        if not frames:
            return
        for label in sorted({*self._levels, *most}):
            if label not in self._levels:
                others = [*labels, *self._levels]
                if self._discovery is not None:
                    self._connection.keep(*self._discovery.objects(label, others))
                self._levels[label] = distinct_level(label, others)
            self._connection.keep(self._topic(topics.OBJECTS, self._levels[label]), str(most.get(label, 0)))

    def _publish_areas(self, areas: Mapping[str, Any]) -> None:
        """Publishes the counts of zones and lines, and takes back what was said of those that were removed."""
        present = {(kind, name) for plural, kind in topics.AREAS.items() for name in areas[plural]}
        for kind, name in [key for key in self._areas if key not in present]:
            for topic in self._areas.pop((kind, name)):
                # An empty message is how a broker forgets a kept one, and Home Assistant a sensor.
                self._connection.keep(topic, "")
        for plural, kind in topics.AREAS.items():
            for name, counts in areas[plural].items():
                if (kind, name) not in self._areas:
                    self._areas[kind, name] = self._announce_area(kind, name)
                self._connection.keep(self._areas[kind, name][0], topics.area(counts))

    def _announce_area(self, kind: str, name: str) -> List[str]:
        """The topics of a zone or line: that of its counts, and those that announce it to Home Assistant."""
        others = [other for other_kind, other in self._areas if other_kind == kind]
        announced = [] if self._discovery is None else list(self._discovery.area(kind, name, others))
        for topic, text in announced:
            self._connection.keep(topic, text)
        return [self._topic(kind, distinct_level(name, others)), *(topic for topic, _ in announced)]

    def _ask_for_image(self) -> None:
        if self._state is not None:
            self._state.ask_for_image()

    def _renew_report(self) -> None:
        """Makes a report due after each connection: a kept one is as old as the connection before."""
        if self._reporter is not None:
            self._reporter.renew()

    def _count_lost(self, number: int) -> None:
        if self._state is not None:
            self._state.dropped_by_sink(self.name, number)

    def _topic(self, *levels: str) -> str:
        return "/".join((self._broker.topic, *levels))


class _CameraMqtt(Sink):
    """Hands the frames of one camera on to its connection, which others keep open."""

    name = "mqtt"
    lossless = False

    def __init__(self, connected: Mqtt) -> None:
        self._connected = connected

    def write(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """See `Mqtt.write`."""
        self._connected.write(frame, detections)


def _qos(text: str) -> int:
    # Not 2: after a reconnection, paho sends more messages at once than Mosquitto accepts at that QoS, and is
    # disconnected again and again. Receivers recognize duplicates by the frame number.
    if text not in ("0", "1"):
        raise ValueError("the quality of service is 0 or 1")
    return int(text)


def _topic(text: str) -> str:
    if not text.strip("/") or any(mark in text for mark in "+#"):
        raise ValueError("give the topic under which Home Assistant looks, by its default homeassistant")
    return text.strip("/")
