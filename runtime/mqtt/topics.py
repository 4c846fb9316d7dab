"""The topics and their messages. All topics begin with the detector's own topic, here BASE.

    BASE/status          online or offline, retained; the broker publishes offline if the connection is lost
    BASE/source          running, reopening or ended, retained
    BASE/objects/CLASS   the most objects of a class in one frame of the last second, retained; sent on change
    BASE/detections      the JSON line of each frame with objects, and of the first frame without
    BASE/state           JSON, every ten seconds: speed, latency, counts, drops, engine, source
    BASE/device          JSON, retained: model, versions, health, speed and counts (`runtime.mqtt.report`); sent
                         when the model, a version or the health changes, else every thirty seconds

Home Assistant finds these as sensors through MQTT discovery
(https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery).
"""

from __future__ import annotations

import json
from typing import Any, Dict, Iterator, Sequence, Tuple

from runtime.mqtt.address import distinct_level

STATUS, SOURCE, OBJECTS, DETECTIONS, STATE, DEVICE = "status", "source", "objects", "detections", "state", "device"
ONLINE, OFFLINE = "online", "offline"
RUNNING = "running"

# Seconds after which Home Assistant shows a speed that was not updated as unknown.
STALE_SECONDS = 60


def state(snapshot: Dict[str, Any]) -> str:
    """The message for BASE/state: `State.snapshot` as JSON, without `labels` and `counts`."""
    return json.dumps({key: value for key, value in snapshot.items() if key not in ("labels", "counts")})


class Discovery:
    """Home Assistant discovery messages, as (topic, JSON), to be published as retained."""

    def __init__(self, prefix: str, base: str, model: str) -> None:
        self._prefix = prefix
        self._base = base
        self._node = distinct_level(base, ascii_only=True)
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
