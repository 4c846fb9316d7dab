"""Whether the kit's own service runs on a machine: what it has open, nobody else can try."""

from __future__ import annotations

from typing import Dict

from devices.host.host import Root

UNIT = "edge-detector.service"
PROPERTIES = "--property=LoadState,ActiveState,SubState,NRestarts,MainPID"


def service(root: Root) -> Dict[str, str]:
    """What systemd says of it, by its names for things; empty where there is no such service."""
    said = root.command("systemctl", "show", UNIT, PROPERTIES)
    if said is None or said.code != 0:
        return {}
    found = dict(line.split("=", 1) for line in said.text.splitlines() if "=" in line)
    return found if found.get("LoadState") == "loaded" else {}


def is_active(root: Root) -> bool:
    return service(root).get("ActiveState") == "active"
