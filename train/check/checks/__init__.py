"""The checks of a data set, one module per subject, found by the module's place in this folder.

A check is a module of this package with one function:

    check(statistics: DatasetStatistics) -> Iterable[Finding]

A new check is a new file here; no other file changes. A check uses the statistics alone and reads no images.
Uses `check.statistics`, `dataset.examples`, `evaluation` and `models`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from runtime.common import plugins
from train.check.statistics.dataset_statistics import DatasetStatistics

OK, WARNING, FAILURE = "ok", "warning", "failure"
SEVERITIES = (FAILURE, WARNING, OK)

# The most locations that a finding keeps.
_MAX_LOCATIONS = 100


@dataclass(frozen=True)
class Finding:
    """The result of a check.

    `severity` is "failure" if training would refuse the data, stop on it, or measure false figures;
    "warning" if a person should look at it; else "ok". `what` is the finding in one sentence, `count` the number
    of things it is about, `where` their locations or kinds, and `do` the advice; `command` is one to paste into a shell. `images` are indices of images
    in the statistics that show it. `places` is the number of locations, if it is more than those in `where`.
    `run` sets `check`, the name of the check, and `places`, and shortens `where` to a hundred.
    """

    severity: str
    what: str
    count: int = 0
    where: tuple[str, ...] = ()
    do: str = ""
    images: tuple[int, ...] = ()
    check: str = ""
    places: int = 0
    command: str = ""


def run(statistics: DatasetStatistics) -> tuple[Finding, ...]:
    """Runs all checks and returns their findings, failures first."""
    found: list[Finding] = []
    for module in plugins.modules(sys.modules[__name__]):
        found += [
            replace(
                finding,
                check=plugins.name_of(module),
                places=max(finding.places, len(finding.where)),
                where=finding.where[:_MAX_LOCATIONS],
            )
            for finding in module.check(statistics)
        ]
    return tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity)))


def trainable(findings: Iterable[Finding]) -> bool:
    """Returns True if no finding is a failure."""
    return all(finding.severity != FAILURE for finding in findings)


def first_of(items: Sequence[str], most: int = 3) -> str:
    """Returns the first `most` items in one line, and the number of the others."""
    more = len(items) - most
    return ", ".join(items[:most]) + (f" and {more} more" if more > 0 else "")


def counted(count: int, thing: str, things: str = "") -> str:
    """Returns a count with its noun: `1 image`, `12 images`. `things` is the plural if it is irregular."""
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"


def go_on(statistics: DatasetStatistics, bad: int, total: int) -> str:
    """Returns the command that trains without `bad` of `total` examples or boxes; empty if all are bad."""
    return statistics.command("--allow-bad", f"{math.ceil(100 * bad / total) / 100:g}") if bad < total else ""
