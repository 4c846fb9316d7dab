"""What can be wrong with a data set, one module for each kind of thing, found because it lies here.

A check is a module of this package with one function:

    check(statistics: DatasetStatistics) -> Iterable[Finding]

A new check is a new file here; no other file changes. A check looks at the statistics alone: images have
been read and decoded by then.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from train.check.statistics.dataset_statistics import DatasetStatistics

OK, WARNING, FAILURE = "ok", "warning", "failure"
SEVERITIES = (FAILURE, WARNING, OK)

# A finding names no more places than a person or a program would go to one by one.
_MOST_PLACES = 100


@dataclass(frozen=True)
class Finding:
    """One thing that a check has to say.

    `severity` is "failure" where training would refuse the data, stop on it, or measure what is not
    true; "warning" where a person should look; else "ok". `what` is one sentence, `count` the number
    of things it is about, `where` their places or kinds, `do` what to do. `images` are indices into
    the statistics's images that show it. `run` fills in the name of the `check` and the number of
    `places`, and leaves a hundred of them in `where`.
    """

    severity: str
    what: str
    count: int = 0
    where: tuple[str, ...] = ()
    do: str = ""
    images: tuple[int, ...] = ()
    check: str = ""
    places: int = 0


def run(statistics: DatasetStatistics) -> tuple[Finding, ...]:
    """What all checks find, failures first."""
    found = []
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        check = importlib.import_module(f"{__name__}.{module.name}").check
        found += [
            replace(finding, check=module.name, places=len(finding.where), where=finding.where[:_MOST_PLACES])
            for finding in check(statistics)
        ]
    return tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity)))


def trainable(findings: Iterable[Finding]) -> bool:
    return all(finding.severity != FAILURE for finding in findings)


def first_of(items: Sequence[str], most: int = 3) -> str:
    """The first of `items` in one line, and how many more there are."""
    more = len(items) - most
    return ", ".join(items[:most]) + (f" and {more} more" if more > 0 else "")


def counted(count: int, thing: str, things: str = "") -> str:
    """`1 image`, `12 images`."""
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"
