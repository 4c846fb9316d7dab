"""Limits on bad data: a little is left out and reported, much is refused."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field

from runtime.common.errors import InputError

# A broken file usually means a broken copy or download, so few are tolerated; single boxes without
# area occur in data sets that train well (2 of 4,888 in BCCD).
MAX_BAD_FILES = 0.01
MAX_BAD_BOXES = 0.05


@dataclass
class CollectedProblems:
    """The problems of all data that was read within `collect_problems()`.

    `files`, `boxes` and `notes` have a line for each thing that was left out. `refused` contains "files"
    or "boxes" if so many of them are bad that training would refuse the data. `examples_seen` and
    `boxes_seen` count good and bad ones.
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
    """Context manager: within the block bad data is collected and never refused, for all formats."""
    found = CollectedProblems()
    token = _collected.set(found)
    try:
        yield found
    finally:
        _collected.reset(token)


class Provisional:
    """What was collected since a moment, to be dropped if it was read wrongly."""

    def __init__(self, collected: CollectedProblems | None) -> None:
        self._collected = collected
        self._before = copy.deepcopy(collected)

    def drop(self) -> None:
        """Forgets what has been collected since."""
        if self._collected is not None and self._before is not None:
            vars(self._collected).update(vars(self._before))


@contextlib.contextmanager
def provisional() -> Iterator[Provisional]:
    """Context manager: gives what can drop the problems that `collect_problems()` collects within the block."""
    yield Provisional(_collected.get())


def tell(lines: Iterable[str]) -> None:
    """Adds notes to what `collect_problems()` collects."""
    collected = _collected.get()
    if collected is not None:
        collected.notes[:0] = lines


class Problems:
    """Collects the problems found while a data set is read, and refuses it if there are too many."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._files: list[str] = []
        self._boxes: list[str] = []
        self._notes: list[str] = []

    def add_file(self, line: str) -> None:
        """Adds an annotation or image that cannot be used."""
        self._files.append(line)
        self._lines.append(line)

    def add_box(self, line: str) -> None:
        """Adds a box that cannot be used."""
        self._boxes.append(line)
        self._lines.append(line)

    def add_note(self, line: str) -> None:
        """Adds a note on something that was left out although it is not bad."""
        self._notes.append(line)
        self._lines.append(line)

    def check_limits(self, where: str, files: int, boxes: int) -> tuple[str, ...]:
        """Returns all lines. Raises InputError if too many of `files` examples or `boxes` boxes are bad.

        `where` names the data set in the message. Within `collect_problems()` nothing is raised.
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
        f" correct or remove {'it' if len(bad) == 1 else 'them'})"
    )
