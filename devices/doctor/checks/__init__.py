"""The checks of the doctor, one file for each.

A check is a module of this package with

    TITLE: str                       what it checks, for `--help`: "cameras"
    RANK: int                        checks run in ascending order of it
    SECONDS: float                   the check is ended after this time, and has failed
    LIVE: bool                       whether it can only run on the machine itself, not on a recorded one
    check(under_test: HostUnderTest) -> Iterable[Finding]    nothing where the check does not apply

A check is found because it lies in this package: adding one changes no other file. It runs in a process of its own,
which may hang or crash; a KitError that it raises becomes a failure with the message of the error. Modules that are
slow to import, or may be missing on the machine, are imported inside `check`.
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
    """One result of a check.

    `level` is OK, WARNING or FAILURE, `text` what was found, and `fix` the command or the step that fixes it.
    """

    level: str
    text: str
    fix: str = ""


@dataclass(frozen=True)
class HostUnderTest:
    """The machine that is checked.

    `profile` is the kind of device that it is, or should be; None where it is unknown. `model` is a file to test, and
    `golden` the folder with its expected detections; both may be empty.
    """

    host: Host
    profile: Optional[Profile] = None
    model: str = ""
    golden: str = ""


def ok(text: str) -> Finding:
    """A finding that all is well."""
    return Finding(OK, text)


def warning(text: str, fix: str) -> Finding:
    """A finding that should be fixed, although a detector runs."""
    return Finding(WARNING, text, fix)


def failure(text: str, fix: str) -> Finding:
    """A finding that keeps a detector from running."""
    return Finding(FAILURE, text, fix)


def modules() -> List[ModuleType]:
    """All checks, in the order in which they run."""
    return sorted(plugins.modules(sys.modules[__name__]), key=lambda module: int(module.RANK))
