"""Debian packages that the device needs."""

from __future__ import annotations

from typing import List

from devices.boards.requirements import packages
from devices.install.commands import Note, Task
from devices.install.resources import Piece
from devices.install.steps import Target

TITLE = "packages of the system"
RANK = 10


def pieces(target: Target) -> List[Piece]:
    place = target.place
    wanted = packages(target.profile, place.release())
    if not wanted:
        return []
    if not place.root.exists("/var/lib/dpkg/status"):
        return [Note(f"not a Debian: install what it calls {', '.join(wanted)} yourself")]
    missing = [name for name in wanted if name not in place.packages()]
    install = ("apt-get", "install", "--yes", "--no-install-recommends")
    return [
        Task(
            " ".join(wanted),
            (("apt-get", "update", "--quiet"), (*install, *(missing or wanted))),
            # Whatever has come to need them since keeps them; `apt-get autoremove` takes the others.
            undo=(("apt-mark", "auto", *(missing or wanted)),),
            there=lambda place: all(name in place.packages() for name in wanted),
        )
    ]
