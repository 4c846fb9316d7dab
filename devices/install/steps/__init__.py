"""The steps of an installation, one file for each.

A step is a module of this package with

    TITLE: str                                               its title in a plan: "the service"
    RANK: int                                                steps run in ascending order of it
    resources(installation: Installation) -> List[Resource]  what it makes, in order; nothing is made yet

and optionally

    options(parser) -> None                                  adds options to python -m devices.install

A step is found because it lies in this package: adding one changes no other file. Resources (`devices.install.resources`,
`devices.install.commands`) know how they are planned, made and undone; a step only says which there should be.
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
    """What is installed where: the profile of the device, the target system, and the options of the command."""

    profile: Profile
    target: Target
    options: argparse.Namespace


def steps() -> List[ModuleType]:
    """All steps, in the order in which they run."""
    return sorted(plugins.modules(sys.modules[__name__]), key=lambda module: int(module.RANK))
