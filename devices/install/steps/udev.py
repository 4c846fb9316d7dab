"""Rules that let the service's group open the device's hardware."""

from __future__ import annotations

from typing import List

from devices.install.commands import Task
from devices.install.resources import File, Piece
from devices.install.steps import Target

TITLE = "rules for devices"
RANK = 30


def pieces(target: Target) -> List[Piece]:
    udev = target.profile.udev
    if udev is None:
        return []
    rules = "\n".join(udev.rules) + "\n"
    reload = ("udevadm", "control", "--reload")
    return [
        File.text(f"/etc/udev/rules.d/{udev.file}", f"# For {target.profile.title}.\n{rules}"),
        Task(
            "the rules hold at once",
            (reload, ("udevadm", "trigger")),
            undo=(reload,),
            identity=rules,
            at_boot=True,
        ),
    ]
