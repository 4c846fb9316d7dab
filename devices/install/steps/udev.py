"""Rules that let the service's group open the device's hardware."""

from __future__ import annotations

from typing import List

from devices.install.commands import Commands
from devices.install.resources import File, Resource
from devices.install.steps import Installation

TITLE = "rules for devices"
RANK = 30


def resources(installation: Installation) -> List[Resource]:
    """The file of udev rules, where the device needs one."""
    udev = installation.profile.udev
    if udev is None:
        return []
    rules = "\n".join(udev.rules) + "\n"
    reload = ("udevadm", "control", "--reload")
    return [
        File.text(f"/etc/udev/rules.d/{udev.file}", f"# For {installation.profile.title}.\n{rules}"),
        Commands(
            "the rules hold at once",
            (reload, ("udevadm", "trigger")),
            undo=(reload,),
            identity=rules,
            at_boot=True,
        ),
    ]
