"""Limits on bad data: some is left out and reported, much is refused."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from runtime.common.errors import InputError
from train.dataset.examples import packed

# Up to this share of the examples, and of the boxes, may be bad. With more, something is wrong with the whole:
# the images of another data set, half of a download.
MAX_BAD = 1 / 3

# What the line on an annotation without its image says after the annotation's place; the written name follows.
MISSING = ": its image is missing: "
# What the note on images without a label file begins with.
BACKGROUND = "taken for background, because they have no label file"
# So many bad things are listed in a refusal; of lines that differ in numbers alone, one.
_NUMBERS = re.compile(r"\d+(?:\.\d+)?")
_LISTED = 3


@dataclass
class CollectedProblems:
    """The problems of all data that was read within `collect_problems()`.

    `files`, `boxes` and `notes` have a line for each thing that was left out. `refused` contains "files" or
    "boxes" if so many of them are bad that training would refuse the data, and "unlabelled" if so many images have no
    label file, with the message. `examples_seen` and `boxes_seen` count good and bad ones. `unlabelled` are the images
    that are background because they have no label file, of `labelled_or_not`.
    """

    files: list[str] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    examples_seen: int = 0
    boxes_seen: int = 0
    unlabelled: list[str] = field(default_factory=list)
    labelled_or_not: int = 0

    def add(self, other: CollectedProblems) -> None:
        """Adds the problems of other data."""
        self.files += other.files
        self.boxes += other.boxes
        self.notes += other.notes
        self.refused.update(other.refused)
        self.examples_seen += other.examples_seen
        self.boxes_seen += other.boxes_seen
        self.unlabelled += other.unlabelled
        self.labelled_or_not += other.labelled_or_not

    def raise_refusal(self) -> None:
        """Raises InputError if too much of the data is bad."""
        if self.refused:
            raise InputError(next(iter(self.refused.values())))


_collected: ContextVar[CollectedProblems | None] = ContextVar("collected", default=None)
_limit: ContextVar[float] = ContextVar("limit", default=MAX_BAD)


@contextlib.contextmanager
def collect_problems() -> Iterator[CollectedProblems]:
    """Context manager: within the block bad data is collected and never refused, for all formats."""
    found = CollectedProblems()
    token = _collected.set(found)
    try:
        yield found
    finally:
        _collected.reset(token)


@contextlib.contextmanager
def allowed(share: float) -> Iterator[None]:
    """Context manager: within the block up to `share` of the data may be bad, from 0 (nothing) to 1 (everything).

    Raises InputError for another number.
    """
    if not 0 <= share <= 1:
        raise InputError(f"the share of bad data to allow must lie between 0 and 1, not {share:g}")
    token = _limit.set(share)
    try:
        yield
    finally:
        _limit.reset(token)


def hand_on(found: CollectedProblems) -> None:
    """Adds collected problems to those of the surrounding `collect_problems()`; without one, refuses them.

    Raises InputError if too much is bad and there is no such block.
    """
    outer = _collected.get()
    if outer is None:
        found.raise_refusal()
    else:
        outer.add(found)


class Problems:
    """Collects the problems found while a data set is read, and refuses it if there are too many."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._files: list[str] = []
        self._boxes: list[str] = []
        self._notes: list[str] = []
        self._unlabelled: list[str] = []
        self._labelled_or_not = 0

    def add_file(self, line: str) -> None:
        """Adds an annotation or image that cannot be used."""
        self._files.append(line)
        self._lines.append(line)

    def add_box(self, line: str) -> None:
        """Adds a box that cannot be used."""
        self._boxes.append(line)
        self._lines.append(line)

    def add_note(self, line: str) -> None:
        """Adds a note on something that was left out, or decided, although it is not bad."""
        self._notes.append(line)
        self._lines.append(line)

    def add_unlabelled(self, images: Sequence[str], total: int) -> None:
        """Adds `images` that are background because they have no label file, of `total` that have one or not."""
        self._unlabelled += images
        self._labelled_or_not += total
        if images:
            self.add_note(f"{BACKGROUND}: {len(images)} of {total} images, such as {images[0]}")

    def check_limits(self, where: str, files: int, boxes: int) -> tuple[str, ...]:
        """Returns all lines. Raises InputError if too many of `files` examples or `boxes` boxes are bad.

        `where` names the data set in the message. Within `collect_problems()` nothing is raised.
        """
        refusals = {
            kind: _refusal(where, bad, max(total, len(bad)), what)
            for kind, bad, total, what in (
                ("files", self._files, files, "examples"),
                ("boxes", self._boxes, boxes, "boxes"),
            )
            if len(bad) > _limit.get() * total
        }
        # They are no fault where nothing bad is allowed: few of them are what people mean by background.
        if len(self._unlabelled) > max(_limit.get(), MAX_BAD) * self._labelled_or_not:
            refusals["unlabelled"] = _unlabelled_refusal(where, self._unlabelled, self._labelled_or_not)
        hand_on(
            CollectedProblems(
                [*self._files], [*self._boxes], [*self._notes], refusals, files, boxes, [*self._unlabelled], self._labelled_or_not
            )
        )
        return tuple(self._lines)


def _refusal(where: str, bad: list[str], total: int, what: str) -> str:
    missing = [line for line in bad if MISSING in line]
    if len(missing) > _LISTED and len(missing) == len(bad):
        return _missing_refusal(where, missing, total)
    kinds = list({_NUMBERS.sub("0", line): line for line in reversed(bad)}.values())[::-1]
    shown = "; ".join(kinds[:_LISTED]) + ("; ..." if len(bad) > min(len(kinds), _LISTED) else "")
    limit = _limit.get()
    share = math.ceil(100 * len(bad) / max(total, 1)) / 100
    # Where everything is bad, nothing is left to go on with.
    go_on = f", or go on without {_them(bad)} by --allow-bad {min(share, 1):g}" if len(bad) < total else ""
    return (
        f"{shown} ({len(bad)} of {total} {what} in {where} cannot be used, and at most {limit:.0%} may be:"
        f" correct or remove {_them(bad)}{go_on})"
    )


def _unlabelled_refusal(where: str, images: list[str], total: int) -> str:
    go_on = "" if len(images) == total else f", or take all of them for background by --allow-bad {_share(len(images), total):g}"
    return (
        f"{len(images)} of {total} images in {where} have no label file ({images[0]} is one), and learned as background"
        f" they would hide their objects: label them or remove them, write an empty label file for those without objects, or"
        f" put these into a folder named background{go_on}"
    )


def _share(part: int, total: int) -> float:
    return min(math.ceil(100 * part / total) / 100, 1)


def _missing_refusal(where: str, lines: list[str], total: int) -> str:
    """Returns the message on annotations of which many, or all, have no image."""
    few = len(lines) < total
    one = lines[0].partition(MISSING)[2].removeprefix("no ").removesuffix(f" in {where}")
    go_on = f", or go on without those by --allow-bad {min(math.ceil(100 * len(lines) / total) / 100, 1):g}" if few else ""
    return (
        f"{f'{len(lines)} of the' if few else 'none of the'} {total} images that {_sources(lines)}"
        f" {'are not' if few else 'is'} in {where} ({one} is one): put the images there, or give the folder that holds both"
        f"{go_on}{packed.advice(Path(where))}"
    )


def _sources(lines: list[str]) -> str:
    """Returns the annotation files with which lines begin, in a few words, and the verb."""
    names = {PurePath(line.partition(": ")[0]) for line in lines}
    suffixes, folders = {name.suffix for name in names}, {name.parent for name in names}
    if len(names) <= 2:
        return f"{' and '.join(sorted(map(str, names)))} name{'s' * (len(names) == 1)}"
    pattern = f"*{suffixes.pop()}" if len(suffixes) == 1 else "the annotations"
    where = folders.pop() / pattern if len(folders) == 1 and pattern.startswith("*") else pattern
    return f"{where} name"


def _them(bad: list[str]) -> str:
    return "it" if len(bad) == 1 else "them"
