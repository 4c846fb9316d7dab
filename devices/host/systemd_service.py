"""The state of the kit's own systemd service on a machine. While it runs, its camera and Edge TPU are in use."""

from __future__ import annotations

from typing import Dict

from devices.host.host import Host

UNIT = "edge-detector.service"
PROPERTIES = "--property=LoadState,ActiveState,SubState,NRestarts,MainPID"


def properties(host: Host) -> Dict[str, str]:
    """The properties of the service by systemd's names; empty where it is not installed."""
    said = host.command("systemctl", "show", UNIT, PROPERTIES)
    if said is None or said.code != 0:
        return {}
    found = dict(line.split("=", 1) for line in said.text.splitlines() if "=" in line)
    return found if found.get("LoadState") == "loaded" else {}


def is_active(host: Host) -> bool:
    """Whether the service runs."""
    return properties(host).get("ActiveState") == "active"
