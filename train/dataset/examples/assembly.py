"""Assembly of examples from images and boxes, with the same checks for every format."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, TypeVar

from runtime.common.errors import InputError
from runtime.common.values import Box
from train.dataset.examples import evidence
from train.dataset.examples.example import Example, LabelledBox
from train.dataset.examples.frames import EXCHANGED, UNLIKE, Frame, Frames, possible
from train.dataset.examples.image_files import File, quoted
from train.dataset.examples.image_info import inspect
from train.dataset.examples.problems import Problems

Item = TypeVar("Item")

# How many pixels a box may exceed its image without a word: tools disagree on whether the first pixel is 0 or 1.
_OFF_BY_ONE = 1.0

# A box that leaves its image is cut at the edge if at least this share of it lies inside. Of the others too little
# is seen, and their coordinates are more likely wrong.
_INSIDE = 0.5

# Boxes are rounded to a thousandth of a pixel. Formats with normalized coordinates (float32 in TFRecords,
# six decimals in YOLO) then give the same numbers as the others.
_DECIMALS = 3

MAX_LABEL_LENGTH = 200

_CUT = "cut at the edge of their image"
_MANY_CUT = "; so many that the images may not be those that were labelled: look at them with train.check --out report.html"
_REVERSED = "sides exchanged, because a minimum was above its maximum"


@dataclass(frozen=True)
class Canvas:
    """The image as its boxes were probably drawn on it: rotated by its EXIF `orientation`, or as stored (1).

    `width` and `height` are in pixels, after the rotation. `frames` are all ways in which its boxes may be meant;
    `Assembler.example` chooses one by the boxes. `declared` is the size that the annotation gives.
    """

    image: File
    width: int
    height: int
    orientation: int
    frames: Frames = Frames("", ())
    declared: Optional[tuple[float, float]] = None


@dataclass(frozen=True)
class _NormalizedBox(LabelledBox):
    """A box whose sides are shares of those of its image."""


class Assembler:
    """Makes examples and adds bad boxes to `problems`. `boxes` counts all boxes so far, good and bad."""

    def __init__(self, problems: Problems) -> None:
        self.boxes = 0
        self._problems = problems
        self._owners: dict[tuple[Path, str], str] = {}
        self._evidence = evidence.current()

    def canvas(
        self,
        image: File,
        source: str,
        declared: Optional[tuple[float, float]] = None,
        part: str = "",
        *,
        as_shown: bool = False,
    ) -> Canvas:
        """Checks an image and returns its canvas.

        `source` names the annotation in messages. `declared` is the (width, height) that the annotation
        gives for the image; None or zeros if it gives none. `part` is the split that the annotation is for.
        `as_shown` says that the boxes are known to be those of the image after its EXIF rotation, whatever its
        size says. Raises InputError if the image cannot be read, or already belongs to another annotation of its
        part.
        """
        owner = self._owners.setdefault((image.path, part), source)
        if owner != source:
            raise InputError(f"{source}: its image {image.name} belongs to {owner} already")
        frames = possible(inspect(image.path, str(image.name)), declared, as_shown)
        likely = frames.frames[0]
        return Canvas(image, likely.width, likely.height, likely.orientation, frames, declared)

    def example(
        self,
        id: str,
        canvas: Canvas,
        source: str,
        items: Iterable[tuple[str, Item]],
        box: Callable[[Item], LabelledBox],
        group: str = "",
    ) -> Optional[Example]:
        """Returns the example with the image of `canvas` and the boxes that `box` makes of `items`.

        `items` are (name for messages, item). `box` makes its boxes with `labelled_box`; for a bad item it raises
        ValueError with the fault, and the box is left out and reported. `group` names boxes whose coordinates are
        in one unit: those of a file that holds many. Returns None if all boxes are bad (used as a background image,
        the image would teach the detector to ignore its objects), or if its boxes are those of another image.
        """
        drafts: list[tuple[str, LabelledBox]] = []
        bad = 0
        for name, item in items:
            self.boxes += 1
            try:
                drafts.append((name, box(item)))
            except ValueError as error:
                bad += 1
                self._problems.add_box(f"{name} {error}")
        normalized, frame = self._read(canvas, [draft for _, draft in drafts], source, group)
        if not frame.usable and drafts:
            assert canvas.declared is not None
            self._problems.add_file(
                f"{source}: says {canvas.declared[0]:g} x {canvas.declared[1]:g},"
                f" but {canvas.image.name} is {frame.width} x {frame.height}"
            )
            return None
        boxes: list[LabelledBox] = []
        for name, draft in drafts:
            try:
                boxes.append(self._placed(draft, normalized, frame, name, canvas))
            except ValueError as error:
                bad += 1
                self._problems.add_box(f"{name} {error}")
        if bad and not boxes:
            self._problems.add_note(f"{source}: left out, because none of its boxes can be used")
            return None
        return Example(id, canvas.image.path, frame.width, frame.height, tuple(boxes), frame.orientation)

    def _read(self, canvas: Canvas, drafts: list[LabelledBox], source: str, group: str) -> tuple[bool, Frame]:
        """Returns whether the boxes are shares of the sides, and the frame to which they belong."""
        frames = canvas.frames
        boxes = evidence.sides_of(drafts)
        declared = bool(drafts) and isinstance(drafts[0], _NormalizedBox)
        normalized = self._evidence.normalized(group, declared, boxes)
        if normalized and declared and frames.kind in (EXCHANGED, UNLIKE):
            # Whoever wrote the shares divided by the size that is wrong.
            return True, frames.frames[-1 if frames.kind == EXCHANGED else 0]
        if normalized and not frames.kind.startswith("exif"):
            # Shares are those of the image in every size.
            return True, _whole(frames.frames[0])
        frame = self._evidence.frame(frames, [] if normalized else boxes)
        if not drafts:
            return normalized, _whole(frame)
        if frame.note:
            self._evidence.note(frame.note, source)
        else:
            self._evidence.note_unsaid(frames, source)
        return normalized, frame

    def _placed(self, draft: LabelledBox, normalized: bool, frame: Frame, name: str, canvas: Canvas) -> LabelledBox:
        """Returns a box in pixels of its image. Raises ValueError with the fault if it cannot be used."""
        raw = xmin, ymin, xmax, ymax = draft.box.as_tuple()
        width, height = frame.width, frame.height
        if normalized:
            xmin, ymin, xmax, ymax = xmin * width, ymin * height, xmax * width, ymax * height
        elif (frame.across, frame.down) != (width, height):
            across, down = width / frame.across, height / frame.down
            xmin, ymin, xmax, ymax = xmin * across, ymin * down, xmax * across, ymax * down
        xmin, ymin = round(xmin, _DECIMALS) + 0.0, round(ymin, _DECIMALS) + 0.0
        xmax, ymax = round(xmax, _DECIMALS) + 0.0, round(ymax, _DECIMALS) + 0.0
        if xmax == xmin or ymax == ymin:
            raise ValueError(f"has no area (xmin={xmin:g} ymin={ymin:g} xmax={xmax:g} ymax={ymax:g})")
        if xmax < xmin or ymax < ymin:
            xmin, ymin, xmax, ymax = min(xmin, xmax), min(ymin, ymax), max(xmin, xmax), max(ymin, ymax)
            self._evidence.note(_REVERSED, name, "boxes")
        if xmin < 0 or ymin < 0 or xmax > width or ymax > height:
            over = max(-xmin, -ymin, xmax - width, ymax - height)
            _check_inside(canvas.image, width, height, xmin, ymin, xmax, ymax)
            xmin, ymin, xmax, ymax = max(xmin, 0.0), max(ymin, 0.0), min(xmax, float(width)), min(ymax, float(height))
            if over > _OFF_BY_ONE:
                self._evidence.note(_CUT, name, "boxes", _MANY_CUT)
        if type(draft) is LabelledBox and (xmin, ymin, xmax, ymax) == raw:
            return draft
        return LabelledBox(draft.label, Box(xmin, ymin, xmax, ymax), draft.difficult, draft.truncated)


def labelled_box(
    canvas: Canvas,
    label: str,
    sides: tuple[float, float, float, float],
    difficult: bool = False,
    truncated: bool = False,
    *,
    normalized: bool = False,
) -> LabelledBox:
    """Returns a box for `Assembler.example`, which checks where it lies.

    `sides` are (xmin, ymin, xmax, ymax) in pixels of `canvas`, or shares of its sides if `normalized`. Raises
    ValueError with the fault if one is no number, or if the box has no class name.
    """
    label = clean_label(label)
    if not math.isfinite(sum(sides)):
        for name, value in zip(("xmin", "ymin", "xmax", "ymax"), sides):
            if not math.isfinite(value):
                raise ValueError(f"has {name}={value}, which is not a number of pixels")
    kind = _NormalizedBox if normalized else LabelledBox
    # Adding 0.0 turns integers into floats and -0 into 0, which is equal but has other bytes.
    box = Box(sides[0] + 0.0, sides[1] + 0.0, sides[2] + 0.0, sides[3] + 0.0)
    return kind(label, box, difficult, truncated)


def _check_inside(image: File, width: int, height: int, xmin: float, ymin: float, xmax: float, ymax: float) -> None:
    """Raises ValueError if less than half of a box lies inside the image."""
    seen = max(0.0, min(xmax, width) - max(xmin, 0.0)) * max(0.0, min(ymax, height) - max(ymin, 0.0))
    if seen > 0 and (seen >= _INSIDE * (xmax - xmin) * (ymax - ymin) or _off_by_one(width, height, xmin, ymin, xmax, ymax)):
        return
    for axis, start, end, limit, extent in (("x", xmin, xmax, width, "wide"), ("y", ymin, ymax, height, "high")):
        if start < -_OFF_BY_ONE or start >= limit:
            raise ValueError(f"starts at {axis}={start:g}, but {image.name} is {limit} {extent}")
        if end > limit + _OFF_BY_ONE or end <= 0:
            raise ValueError(f"ends at {axis}={end:g}, but {image.name} is {limit} {extent}")


def _off_by_one(width: int, height: int, xmin: float, ymin: float, xmax: float, ymax: float) -> bool:
    return max(-xmin, -ymin, xmax - width, ymax - height) <= _OFF_BY_ONE


def _whole(frame: Frame) -> Frame:
    return Frame(frame.name, frame.width, frame.height, frame.orientation, frame.width, frame.height)


def clean_label(label: str) -> str:
    """Returns `label` with single spaces. Raises ValueError if it is empty, too long, or not printable."""
    words = " ".join(label.split())
    if not words:
        raise ValueError("has no class name")
    if len(words) > MAX_LABEL_LENGTH or not words.isprintable():
        raise ValueError(f"has {quoted(words)} for a class name")
    return words
