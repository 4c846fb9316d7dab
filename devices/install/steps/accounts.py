"""The user that the service runs as, and the groups that own its devices."""

from __future__ import annotations

from typing import List

from devices.host.paths import STATE, USER
from devices.install.commands import Account
from devices.install.resources import File, Resource
from devices.install.steps import Installation

TITLE = "user and groups"
RANK = 20

SOURCE = "/etc/sysusers.d/edge-detector.conf"
FULL_NAME = "Edge detector"


def resources(installation: Installation) -> List[Resource]:
    """The file for systemd-sysusers, and the accounts."""
    groups = installation.profile.groups
    lines = [
        "# The user of edge-detector.service and edge-detector-update.service; see sysusers.d(5).",
        f'u {USER} - "{FULL_NAME}" {STATE.as_posix()}',
        *(f"g {group} -" for group in groups),
    ]
    return [
        File.text(SOURCE, "\n".join(lines) + "\n"),
        Account(USER, FULL_NAME, STATE.as_posix(), groups, SOURCE),
    ]
