"""The kit's own systemd service: its times, and its state. While it runs, its camera and Edge TPU are in use."""

from __future__ import annotations

from typing import Dict

from devices.host.host import Host

UNIT = "edge-detector.service"

# Loading Python, libraries and the model from a slow card and starting the camera take most of a minute on a Raspberry
# Pi Zero.
START_SECONDS = 300
STOP_SECONDS = 15
# The longest pause between two starts of a service that does not stay up.
MOST_RESTART_SECONDS = 60

PROPERTIES = "--property=LoadState,ActiveState,SubState,NRestarts,MainPID"


def properties(host: Host, unit: str = UNIT) -> Dict[str, str]:
    """The properties of the service, or of another `unit`, by systemd's names; empty where it is not installed."""
    said = host.command("systemctl", "show", unit, PROPERTIES)
    if said is None or said.code != 0:
        return {}
    found = dict(line.split("=", 1) for line in said.text.splitlines() if "=" in line)
    return found if found.get("LoadState") == "loaded" else {}


def is_active(host: Host) -> bool:
    """Whether the service runs."""
    return properties(host).get("ActiveState") == "active"
