"""What is told under which topic. Each begins with the detector's own, here BASE.

    BASE/status          online or offline; kept by the broker, which says offline itself if we vanish
    BASE/source          running, reopening, ended; kept
    BASE/objects/CLASS   how many of a class were in view at most in the last second; kept; when it changes
    BASE/detections      the JSON line of a frame with objects, and of the first one without
    BASE/state           JSON, every ten seconds: speed, latency, counts, drops, engine, source
    BASE/device          JSON: model, versions, health, speed and counts (`runtime.mqtt.report`); kept; when the
                         model, a version or the health changes, else every thirty seconds

For Home Assistant, sensors of these are announced as its MQTT discovery asks
(https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery).
"""

from __future__ import annotations

import json
from typing import Any, Dict, Iterator, Tuple

from runtime.mqtt.address import level

STATUS, SOURCE, OBJECTS, DETECTIONS, STATE, DEVICE = "status", "source", "objects", "detections", "state", "device"
ONLINE, OFFLINE = "online", "offline"
RUNNING = "running"

# A speed that has not come for so many seconds is not known any more.
STALE_SECONDS = 60


def state(snapshot: Dict[str, Any]) -> str:
    """`State.snapshot` without what is long and does not change, or has topics of its own."""
    return json.dumps({key: value for key, value in snapshot.items() if key not in ("labels", "counts")})


class Discovery:
    """Home Assistant's announcements: (topic, JSON), to be kept by the broker."""

    def __init__(self, prefix: str, base: str, model: str) -> None:
        self._prefix = prefix
        self._base = base
        self._node = level(base)
        self._device = {
            "identifiers": [self._node],
            "name": f"Edge detector {base.rpartition('/')[2]}",
            "manufacturer": "Edge Detection Kit",
            "model": model,
        }

    def always(self) -> Iterator[Tuple[str, str]]:
        """What every detector has: its speed, and whether its source runs."""
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
            # Whatever else it says is off: a template, since discovery knows one word for off.
            value_template="{{ 'running' if value == 'running' else 'lost' }}",
            payload_off="lost",
            device_class="connectivity",
            entity_category="diagnostic",
        )

    def objects(self, label: str) -> Tuple[str, str]:
        """A class that was seen: how many of it are in view. Unknown while the source is lost."""
        return self._entity(
            "sensor",
            f"objects_{level(label)}",
            label,
            state_topic=f"{self._base}/{OBJECTS}/{level(label)}",
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
