"""What all boxes of a data set show together, where those of one image do not show how they are meant.

A reader runs once with the likeliest reading and gathers evidence: whether coordinates are pixels or shares of the
sides, and which frame (`frames`) holds the boxes. Where the evidence speaks for another reading, the reader runs once
more with that. The user is told of every decision that does not go without saying.
"""

from __future__ import annotations

import functools
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Optional, TypeVar

from runtime.common.errors import InputError
from train.dataset.examples import problems
from train.dataset.examples.frames import Frame, Frames, Sides
from train.dataset.examples.problems import CollectedProblems

S = TypeVar("S")

# Shares may exceed 1 a little where a box leaves its image.
_LARGEST_SHARE = 1.05
# A box that reaches less far than this many pixels shows nothing; a larger coordinate is never a share.
_SURELY_PIXELS = 2.0
# A typing error must not decide for a whole set.
_SHARES_OF_BOXES = 0.95
_PIXELS_OF_BOXES = 0.5

# The images that only one frame holds decide for all if they are at least this share, and that many times the others.
_PROOF = 0.02
_MAJORITY = 10
# Boxes of larger images stay within the corner that a smaller one covers by chance: exp(-20), over three images or more.
_CHANCE = -20.0
_CHANCE_IMAGES = 3

# What holds for more than this share of the boxes, and for more than some of a small data set, has a common cause.
_MANY = 0.1
_MANY_BOXES = 5


@dataclass(frozen=True)
class Decisions:
    """The readings that differ from the likeliest ones.

    `units` maps (group, whether its format gives shares) to whether the coordinates are shares. `frames` maps the
    kind of a question to the name of the frame; `mixed` are kinds for which different images show different frames,
    so that each image follows its own boxes where these decide.
    """

    units: dict[tuple[str, bool], bool] = field(default_factory=dict)
    frames: dict[str, str] = field(default_factory=dict)
    mixed: frozenset[str] = frozenset()


@dataclass
class _Question:
    """The evidence on one kind of frames. `order` are the names of the frames, the likeliest first."""

    order: tuple[str, ...] = ()
    fitting: Counter[tuple[str, ...]] = field(default_factory=Counter)
    chance: float = 0.0
    chance_images: int = 0


@dataclass
class _Note:
    """A note on several images or boxes; see `Evidence.note`."""

    text: str
    source: str
    what: str = "images"
    many: str = ""
    count: int = 0

    def line(self, boxes: int) -> str:
        """Returns the line for the user, where the data set has that many boxes."""
        what = self.what if self.count > 1 else {"boxes": "box", "images": "image"}[self.what]
        more = self.many if self.count > max(_MANY_BOXES, _MANY * boxes) else ""
        return f"{self.text}: {self.count} {what} ({self.source}{' is one' if self.count > 1 else ''}){more}"


class Evidence:
    """The evidence of one run of a reader, which follows the decisions that an earlier run led to."""

    def __init__(self, decided: Optional[Decisions] = None) -> None:
        self._decided = decided or Decisions()
        # By group and whether the format gives shares: boxes, those that may be shares, those that must be pixels.
        self._units: dict[tuple[str, bool], list[int]] = {}
        self._questions: defaultdict[str, _Question] = defaultdict(_Question)
        self._notes: dict[str, _Note] = {}
        self._unsaid: dict[str, _Note] = {}

    def normalized(self, group: str, declared: bool, boxes: Sequence[Sides]) -> bool:
        """Returns whether the coordinates of an image's boxes are shares of its sides, and counts the boxes.

        `declared` says whether its format gives shares. `group` names the boxes that are in one unit.
        """
        counts = self._units.setdefault((group, declared), [0, 0, 0])
        for sides in boxes:
            if sides[0] != sides[2] and sides[1] != sides[3]:
                largest = max(sides)
                counts[0] += 1
                counts[1] += largest <= _LARGEST_SHARE and min(sides) >= 1 - _LARGEST_SHARE
                counts[2] += largest > _SURELY_PIXELS
        return self._decided.units.get((group, declared), declared)

    def frame(self, frames: Frames, boxes: Sequence[Sides]) -> Frame:
        """Returns the frame to use for an image's boxes, and counts what they show; the boxes are in pixels."""
        if len(frames.frames) == 1:
            return frames.frames[0]
        question = self._questions[frames.kind]
        question.order = tuple(frame.name for frame in frames.frames)
        fitting = tuple(frame.name for frame in frames.frames if frame.fits(boxes))
        if boxes:
            question.fitting[fitting] += 1
            first, second = frames.frames[-2:]
            if len(fitting) == 2 and second.across < first.across:
                question.chance += len(boxes) * math.log(second.across * second.down / (first.across * first.down))
                question.chance_images += 1
        name = self._decided.frames.get(frames.kind, question.order[0])
        if len(fitting) == 1 and frames.kind in self._decided.mixed:
            name = fitting[0]
        return next(frame for frame in frames.frames if frame.name == name)

    def note(self, text: str, source: str, what: str = "images", many: str = "") -> None:
        """Counts something that the user is told once: `source` is an example. `text` precedes the number of `what`.

        `many` is added where it holds for a large share of all boxes.
        """
        self._notes.setdefault(text, _Note(text, source, what, many)).count += 1

    def note_unsaid(self, frames: Frames, source: str) -> None:
        """Counts an image whose frame nothing has shown so far; the user is told if no other image shows it either."""
        if frames.unsaid:
            self._unsaid.setdefault(frames.kind, _Note(frames.unsaid, source)).count += 1

    def decisions(self) -> Decisions:
        """Returns what the evidence speaks for, where that differs from what this run assumed."""
        units: dict[tuple[str, bool], bool] = {}
        for (group, declared), (boxes, shares, pixels) in self._units.items():
            if boxes and not declared and shares >= _SHARES_OF_BOXES * boxes:
                units[group, declared] = True
            elif boxes and declared and pixels >= _PIXELS_OF_BOXES * boxes:
                units[group, declared] = False
        frames, mixed = {}, set()
        for kind, question in self._questions.items():
            name, both = _answer(question)
            if name != question.order[0]:
                frames[kind] = name
            if both:
                mixed.add(kind)
        return Decisions(units, frames, frozenset(mixed))

    def notes(self) -> tuple[str, ...]:
        """Returns the notes for the user, one line each."""
        units = (
            f"{_of(group)}not one box reaches beyond 1: the coordinates are taken as shares of the sides, not as pixels"
            if normalized
            else f"{_of(group)}the coordinates are taken as pixels, though this format gives shares of the sides: they are above 1"
            for (group, _), normalized in self._decided.units.items()
        )
        mixed = (
            "the boxes of some images fit only the stored pixels, those of others only the image as shown, after the EXIF"
            " rotation; each is taken as it fits: look at them with train.check --out report.html"
            for kind in sorted(self._decided.mixed)
            if kind.startswith("exif")
        )
        asked = (note for kind, note in self._unsaid.items() if not self._is_answered(kind))
        boxes = sum(counts[0] for counts in self._units.values())
        return (*units, *mixed, *(note.line(boxes) for note in (*asked, *self._notes.values())))

    def _is_answered(self, kind: str) -> bool:
        return any(len(fitting) == 1 for fitting in self._questions[kind].fitting)


_current: ContextVar[Optional[Evidence]] = ContextVar("evidence", default=None)


def current() -> Evidence:
    """Returns the evidence of the reader that is running; outside of `by_evidence` new evidence that decides nothing."""
    return _current.get() or Evidence()


def by_evidence(read: Callable[[Path], S]) -> Callable[[Path], S]:
    """Decorates the `read` of a format: what it returns, `Splits`, follows the evidence of all of its boxes."""

    @functools.wraps(read)
    def decided(folder: Path) -> S:
        if _current.get() is not None:
            return read(folder)
        evidence = Evidence()
        splits, error, found = _attempt(read, folder, evidence)
        decisions = evidence.decisions()
        if decisions != Decisions():
            evidence = Evidence(decisions)
            splits, error, found = _attempt(read, folder, evidence)
        if error is not None:
            found.raise_refusal()
            raise error
        lines = evidence.notes()
        found.notes[:0] = lines
        problems.hand_on(found)
        told: Any = splits
        answer: S = replace(told, problems=(*lines, *told.problems))
        return answer

    return decided


def _attempt(
    read: Callable[[Path], S], folder: Path, evidence: Evidence
) -> tuple[Optional[S], Optional[InputError], CollectedProblems]:
    """Returns what `read` returns or the error that it raises, and the problems, which refuse nothing yet."""
    token = _current.set(evidence)
    try:
        with problems.collect_problems() as found:
            try:
                return read(folder), None, found
            except InputError as error:
                return None, error, found
    finally:
        _current.reset(token)


def _answer(question: _Question) -> tuple[str, bool]:
    """Returns the frame that the boxes speak for, and whether other images clearly show another."""
    proofs = Counter({name: question.fitting[name,] for name in question.order})
    total = sum(question.fitting.values())
    first = question.order[0]
    best = max(question.order, key=lambda name: proofs[name])
    others = sum(proofs.values()) - proofs[best]
    if not proofs[best]:
        by_chance = question.chance < _CHANCE and question.chance_images >= _CHANCE_IMAGES
        return (question.order[-1] if by_chance else first), False
    if proofs[best] < _PROOF * total:
        return first, False
    mixed = others * _MAJORITY > proofs[best] and others >= _PROOF * total
    return best, mixed


def _of(group: str) -> str:
    return f"{group}: " if group else ""


def sides_of(boxes: Iterable[Any]) -> list[Sides]:
    """Returns the (xmin, ymin, xmax, ymax) of labelled boxes."""
    return [box.box.as_tuple() for box in boxes]
