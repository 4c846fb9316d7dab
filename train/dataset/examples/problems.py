"""How much bad data a data set may have: a little is left out and reported, much is refused."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field

from runtime.common.errors import InputError

# A broken file is a broken copy or download more often than one odd image, so little is let pass;
# single boxes without area are known from data sets that train well (2 of 4,888 in BCCD).
MAX_BAD_FILES = 0.01
MAX_BAD_BOXES = 0.05


@dataclass
class CollectedProblems:
    """What was wrong in all data that was read within `collect_problems()`.

    `files`, `boxes` and `notes` hold a line for each thing left out; `refused` says whether so many
    "files" or "boxes" are bad that the data would be refused; `examples_seen` and `boxes_seen` count
    good and bad ones.
    """

    files: list[str] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    examples_seen: int = 0
    boxes_seen: int = 0


_collected: ContextVar[CollectedProblems | None] = ContextVar("collected", default=None)


@contextlib.contextmanager
def collect_problems() -> Iterator[CollectedProblems]:
    """Within the block no amount of bad data is refused, whatever the format; all of it is noted down."""
    found = CollectedProblems()
    token = _collected.set(found)
    try:
        yield found
    finally:
        _collected.reset(token)


class Problems:
    """Collects what is wrong while a data set is read, then decides whether the rest is good enough."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._files: list[str] = []
        self._boxes: list[str] = []
        self._notes: list[str] = []

    def file(self, line: str) -> None:
        """An annotation or image that cannot be used."""
        self._files.append(line)
        self._lines.append(line)

    def box(self, line: str) -> None:
        """A box that cannot be used."""
        self._boxes.append(line)
        self._lines.append(line)

    def note(self, line: str) -> None:
        """Something left out that is no fault of the data."""
        self._notes.append(line)
        self._lines.append(line)

    def check_limits(self, where: str, files: int, boxes: int) -> tuple[str, ...]:
        """All lines, where few of `files` examples and `boxes` boxes are bad; else raises InputError.

        Within `collect_problems()` it raises nothing.
        """
        refusals = {
            kind: _refusal(where, bad, total, share, what)
            for kind, bad, total, share, what in (
                ("files", self._files, files, MAX_BAD_FILES, "examples"),
                ("boxes", self._boxes, boxes, MAX_BAD_BOXES, "boxes"),
            )
            if len(bad) > share * total
        }
        found = _collected.get()
        if found is not None:
            found.files += self._files
            found.boxes += self._boxes
            found.notes += self._notes
            found.refused |= refusals.keys()
            found.examples_seen += files
            found.boxes_seen += boxes
        elif refusals:
            raise InputError(next(iter(refusals.values())))
        return tuple(self._lines)


def _refusal(where: str, bad: list[str], total: int, share: float, what: str) -> str:
    shown = "; ".join(bad[:3]) + ("; ..." if len(bad) > 3 else "")
    return (
        f"{shown} ({len(bad)} of {total} {what} in {where} cannot be used, and at most {share:.0%} may be:"
        f" mend or remove {'it' if len(bad) == 1 else 'them'})"
    )
