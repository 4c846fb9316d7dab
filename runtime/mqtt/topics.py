"""The topics and their messages. All topics begin with the detector's own topic, here BASE.

    BASE/status          online or offline, retained; the broker publishes offline if the connection is lost
    BASE/source          running, reopening or ended, retained
    BASE/objects/CLASS   the most objects of a class in one frame of the last second, retained; sent on change
    BASE/detections      the JSON line of each frame with objects, and of the first frame without
    BASE/state           JSON, every ten seconds: speed, latency, counts, drops, engine, source
    BASE/event           JSON, with `--events`: an object when it has been there a while, with the end null, and when its
                         files are complete
    BASE/collect         taken, not sent: any message keeps the next frame, with `--collect`
    BASE/zone/NAME       JSON, retained: objects in a zone, those that entered and left, and their stays, see `area`; sent on change
    BASE/line/NAME       JSON, retained: objects that crossed a line, in and out; sent on change
    BASE/device          JSON, retained: model, versions, health, speed and counts (`runtime.mqtt.report`); sent
                         when the model, a version or the health changes, else every thirty seconds

Home Assistant finds these as sensors through MQTT discovery
(https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery).
"""

from __future__ import annotations

import json
from typing import Any, Dict, Iterator, Mapping, Sequence, Tuple

from runtime.mqtt.address import distinct_level, node

STATUS, SOURCE, OBJECTS, DETECTIONS, STATE, DEVICE = "status", "source", "objects", "detections", "state", "device"
COLLECT, EVENT = "collect", "event"
# The keys of the snapshot of zones and lines, and the level of their topics.
AREAS = {"zones": "zone", "lines": "line"}
ONLINE, OFFLINE = "online", "offline"
RUNNING = "running"

# Seconds after which Home Assistant shows a speed that was not updated as unknown.
STALE_SECONDS = 60


def state(snapshot: Dict[str, Any]) -> str:
    """The message for BASE/state: `State.snapshot` as JSON, without `labels`, `counts` and `areas`."""
    return json.dumps({key: value for key, value in snapshot.items() if key not in ("labels", "counts", "areas")})


def area(counts: Mapping[str, Any]) -> str:
    """The message for BASE/zone/NAME or BASE/line/NAME, which stays the same until something happens.

    `counts` is what `State.snapshot` has of it. A stay that grows from second to second would be sent, kept by the broker and
    recorded by Home Assistant as often, so that `since` is there in its place.
    """
    kept = {key: value for key, value in counts.items() if key not in ("corners", "pixels")}
    if "dwell" in kept:
        kept["dwell"] = {key: value for key, value in kept["dwell"].items() if key != "current"}
    return json.dumps(kept)


# Of a zone and a line: the field of the message, with dots between levels, its name, and what Home Assistant should know. A
# total that falls to 0, after a restart, begins anew.
_TOTAL = {"state_class": "total_increasing", "icon": "mdi:counter"}
_STAY = {"device_class": "duration", "unit_of_measurement": "s", "state_class": "measurement"}
# Home Assistant takes a time as a date, and None for nobody.
_SINCE = {
    "device_class": "timestamp",
    "value_template": "{{ value_json['since'] | as_datetime if value_json['since'] is not none else None }}",
}
_AREA_SENSORS: Dict[str, Sequence[Tuple[str, str, Dict[str, str]]]] = {
    "zone": (
        ("present", "present", {"state_class": "measurement", "icon": "mdi:vector-polygon"}),
        ("entered", "entered", _TOTAL),
        ("left", "left", _TOTAL),
        ("dwell.median", "median stay", _STAY),
        ("since", "occupied since", _SINCE),
    ),
    "line": (("in", "in", _TOTAL), ("out", "out", _TOTAL)),
}


class Discovery:
    """Home Assistant discovery messages, as (topic, JSON), to be published as retained."""

    def __init__(self, prefix: str, base: str, model: str) -> None:
        self._prefix = prefix
        self._base = base
        self._node = node(base)
        self._device = {
            "identifiers": [self._node],
            "name": f"Edge detector {base.rpartition('/')[2]}",
            "manufacturer": "Edge Detection Kit",
            "model": model,
        }

    def always(self) -> Iterator[Tuple[str, str]]:
        """The sensors of every detector: its speed, and whether its source runs."""
        yield self._entity(
            "sensor",
            "fps",
            "Frames a second",
            state_topic=f"{self._base}/{STATE}",
            value_template="{{ value_json.fps | round(1) }}",
            state_class="measurement",
            unit_of_measurement="fps",
            entity_category="diagnostic",
            expire_after=STALE_SECONDS,
        )
        yield self._entity(
            "binary_sensor",
            "source",
            "Source",
            state_topic=f"{self._base}/{SOURCE}",
            payload_on=RUNNING,
            # A template, since every other state counts as off, and payload_off takes only one.
            value_template="{{ 'running' if value == 'running' else 'lost' }}",
            payload_off="lost",
            device_class="connectivity",
            entity_category="diagnostic",
        )

    def collect(self) -> Tuple[str, str]:
        """The button that keeps the next frame."""
        return self._entity(
            "button",
            "collect",
            "Keep image for labelling",
            command_topic=f"{self._base}/{COLLECT}",
            icon="mdi:image-plus",
            needs_source=True,
        )

    def objects(self, label: str, labels: Sequence[str] = ()) -> Tuple[str, str]:
        """The sensor for a class: the number of objects in view, unavailable while the source is lost.

        `labels` are the classes of the model, whose sensors must have other names.
        """
        return self._entity(
            "sensor",
            f"objects_{distinct_level(label, labels, ascii_only=True)}",
            label,
            state_topic=f"{self._base}/{OBJECTS}/{distinct_level(label, labels)}",
            state_class="measurement",
            icon="mdi:shape-outline",
            needs_source=True,
        )

    def area(self, kind: str, name: str, names: Sequence[str] = ()) -> Iterator[Tuple[str, str]]:
        """The sensors of a zone or line; `names` are those of its kind, whose sensors must have other names."""
        key = f"{kind}_{distinct_level(name, names, ascii_only=True)}"
        topic = f"{self._base}/{kind}/{distinct_level(name, names)}"
        for field, what, more in _AREA_SENSORS[kind]:
            template = "{{ value_json" + "".join(f"['{part}']" for part in field.split(".")) + " }}"
            yield self._entity(
                "sensor",
                f"{key}_{field.replace('.', '_')}",
                f"{name} {what}",
                state_topic=topic,
                json_attributes_topic=topic,
                needs_source=True,
                **{"value_template": template, **more},
            )

    def _entity(self, kind: str, key: str, name: str, *, needs_source: bool = False, **more: Any) -> Tuple[str, str]:
        availability = [{"topic": f"{self._base}/{STATUS}"}]
        if needs_source:
            template = "{{ 'online' if value == 'running' else 'offline' }}"
            availability.append({"topic": f"{self._base}/{SOURCE}", "value_template": template})
        described = {
            "name": name,
            "unique_id": f"{self._node}_{key}",
            "availability": availability,
            "availability_mode": "all",
            "device": self._device,
            "origin": {"name": "Edge Detection Kit"},
            **more,
        }
        return f"{self._prefix}/{kind}/{self._node}/{key}/config", json.dumps(described)
