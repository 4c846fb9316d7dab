"""Steps of an installation. Each is a module of this package with

    TITLE: str                                  what it is about, in a plan: "the service"
    RANK: int                                   its place in the order of work, the lowest first
    resources(installation: Installation) -> List[Resource]       what it makes, in order; makes nothing yet

and is found by being here: adding a step touches no other file. It may also offer

    options(parser) -> None                     options of its own for python -m devices.install

What is made is a value (`devices.install.resources`, `devices.install.commands`) that knows how to be looked at, made and
undone, so that a step itself only says what there should be.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import List

from devices.boards.profile import Profile
from devices.install.target import Target
from runtime.common import plugins


@dataclass(frozen=True)
class Installation:
    """What is installed where: the device, the system, and what the steps' own options say."""

    profile: Profile
    target: Target
    options: argparse.Namespace


def steps() -> List[ModuleType]:
    """All of them in the order of work."""
    return sorted(plugins.modules(sys.modules[__name__]), key=lambda module: module.RANK)
