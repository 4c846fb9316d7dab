"""Debian packages that the device needs."""

from __future__ import annotations

from typing import List

from devices.boards.requirements import packages
from devices.install.commands import Commands, Note
from devices.install.resources import Resource
from devices.install.steps import Installation

TITLE = "packages of the system"
RANK = 10


def resources(installation: Installation) -> List[Resource]:
    """The system's packages for the device."""
    target = installation.target
    wanted = packages(installation.profile, target.release())
    if not wanted:
        return []
    if not target.host.exists("/var/lib/dpkg/status"):
        return [Note(f"this is no Debian: install its counterparts of {', '.join(wanted)} yourself")]
    missing = [name for name in wanted if name not in target.packages()]
    install = ("apt-get", "install", "--yes", "--no-install-recommends")
    return [
        Commands(
            " ".join(wanted),
            (("apt-get", "update", "--quiet"), (*install, *(missing or wanted))),
            # Packages that others need by now stay; `apt-get autoremove` removes the rest.
            undo=(("apt-mark", "auto", *(missing or wanted)),),
            exists=lambda target: all(name in target.packages() for name in wanted),
        )
    ]
