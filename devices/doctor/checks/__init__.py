"""What the doctor looks at. One file a check.

A module of this package offers

    TITLE: str                                     what it looks at, for `--help`: "cameras"
    RANK: int                                      the lowest comes first
    SECONDS: float                                 after which it is ended, and has failed
    LIVE: bool                                     true for what can only be tried on the machine itself
    check(under_test: HostUnderTest) -> iterable of Finding     nothing where there is nothing to say here

and is found by being here: adding a check touches no other file. It runs in a process of its own, which
may hang or crash; a KitError that it raises is a failure with the error's words. What is slow to import,
or may be missing on the machine, it imports inside `check`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import ModuleType
from typing import List, Optional

from devices.boards.profile import Profile
from devices.host.host import Host
from runtime.common import plugins

OK, WARNING, FAILURE = "ok", "warning", "failure"


@dataclass(frozen=True)
class Finding:
    """`level` is OK, WARNING or FAILURE; `text` what was found; `fix` the command, or the step, that
    mends it.
    """

    level: str
    text: str
    fix: str = ""


@dataclass(frozen=True)
class HostUnderTest:
    """What is looked at. `profile` is the kind of device that it is, or is said to be; `model` a file to
    try, `golden` the folder with what it should find.
    """

    host: Host
    profile: Optional[Profile] = None
    model: str = ""
    golden: str = ""


def ok(text: str) -> Finding:
    return Finding(OK, text)


def warning(text: str, fix: str) -> Finding:
    return Finding(WARNING, text, fix)


def failure(text: str, fix: str) -> Finding:
    return Finding(FAILURE, text, fix)


def modules() -> List[ModuleType]:
    """All checks, in the order in which they are done."""
    return sorted(plugins.modules(sys.modules[__name__]), key=lambda module: module.RANK)
