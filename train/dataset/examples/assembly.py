"""Assembly of examples from images and boxes, with the same checks for every format."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, TypeVar

from runtime.common.errors import InputError
from runtime.common.values import Box
from train.dataset.examples.example import Example, LabelledBox
from train.dataset.examples.image_files import File, quoted
from train.dataset.examples.image_info import inspect, oriented_size
from train.dataset.examples.problems import Problems

Item = TypeVar("Item")

# How many pixels a box may exceed its image: tools disagree on whether the first pixel is 0 or 1.
_OFF_BY_ONE = 1.0

# Boxes are rounded to a thousandth of a pixel. Formats with normalized coordinates (float32 in TFRecords,
# six decimals in YOLO) then give the same numbers as the others.
_DECIMALS = 3

MAX_LABEL_LENGTH = 200


@dataclass(frozen=True)
class Canvas:
    """The image as its boxes were drawn on it: rotated by its EXIF `orientation`, or as stored (1).

    `width` and `height` are in pixels, after the rotation.
    """

    image: File
    width: int
    height: int
    orientation: int


class Assembler:
    """Makes examples and adds bad boxes to `problems`. `boxes` counts all boxes so far, good and bad."""

    def __init__(self, problems: Problems) -> None:
        self.boxes = 0
        self._problems = problems
        self._owners: dict[tuple[Path, str], str] = {}

    def canvas(
        self, image: File, source: str, declared: Optional[tuple[float, float]] = None, part: str = ""
    ) -> Canvas:
        """Checks an image and returns its canvas.

        `source` names the annotation in messages. `declared` is the (width, height) that the annotation
        gives for the image; None or zeros if it gives none. `part` is the split that the annotation is for; an image
        in several is dealt with by `splits.assign_splits`. Raises InputError if the image cannot be read, has
        another size, or already belongs to another annotation of its part.
        """
        owner = self._owners.setdefault((image.path, part), source)
        if owner != source:
            raise InputError(f"{source}: its image {image.name} belongs to {owner} already")
        info = inspect(image.path, str(image.name))
        orientation = info.orientation
        # Some tools omit the size or write zeros; the boxes are then checked against the image's own size.
        if declared and any(declared):
            sizes: list[tuple[float, float]] = [info.displayed_size, (info.width, info.height)]
            if declared not in sizes:
                width, height = info.displayed_size
                raise InputError(f"{source}: says {declared[0]:g} x {declared[1]:g}, but {image.name} is {width} x {height}")
            if sizes.index(declared) == 1:
                # The boxes were drawn on the pixels as stored.
                orientation = 1
        return Canvas(image, *oriented_size(info.width, info.height, orientation), orientation)

    def example(
        self,
        id: str,
        canvas: Canvas,
        source: str,
        items: Iterable[tuple[str, Item]],
        box: Callable[[Item], LabelledBox],
    ) -> Optional[Example]:
        """Returns the example with the image of `canvas` and the boxes that `box` makes of `items`.

        `items` are (name for messages, item). For a bad item `box` raises ValueError with the fault; the
        box is left out and reported. Returns None if all boxes are bad: used as a background image, the
        image would teach the detector to ignore its objects.
        """
        boxes: list[LabelledBox] = []
        bad = 0
        for name, item in items:
            self.boxes += 1
            try:
                boxes.append(box(item))
            except ValueError as error:
                bad += 1
                self._problems.add_box(f"{name} {error}")
        if bad and not boxes:
            self._problems.add_note(f"{source}: left out, because none of its boxes can be used")
            return None
        return Example(id, canvas.image.path, canvas.width, canvas.height, tuple(boxes), canvas.orientation)


def labelled_box(
    canvas: Canvas,
    label: str,
    sides: tuple[float, float, float, float],
    difficult: bool = False,
    truncated: bool = False,
) -> LabelledBox:
    """Returns a checked box from `sides`, (xmin, ymin, xmax, ymax) in pixels of `canvas`.

    A box that exceeds the image by up to one pixel is clipped. Raises ValueError with the fault if the
    box lies outside the image, has no area, or has no class name.
    """
    label = clean_label(label)
    for name, value in zip(("xmin", "ymin", "xmax", "ymax"), sides):
        if not math.isfinite(value):
            raise ValueError(f"has {name}={value}, which is not a number of pixels")
    # Adding 0 turns -0 into 0, which is equal but has other bytes.
    xmin, ymin, xmax, ymax = [round(value, _DECIMALS) + 0.0 for value in sides]
    if xmax <= xmin or ymax <= ymin:
        raise ValueError(f"has no area (xmin={xmin:g} ymin={ymin:g} xmax={xmax:g} ymax={ymax:g})")
    width, height = canvas.width, canvas.height
    if xmin < 0 or ymin < 0 or xmax > width or ymax > height:
        _check_inside(canvas, xmin, ymin, xmax, ymax)
        xmin, ymin, xmax, ymax = max(xmin, 0.0), max(ymin, 0.0), min(xmax, float(width)), min(ymax, float(height))
    return LabelledBox(label, Box(xmin, ymin, xmax, ymax), difficult, truncated)


def _check_inside(canvas: Canvas, xmin: float, ymin: float, xmax: float, ymax: float) -> None:
    """Raises ValueError if a box lies outside the image or exceeds it by more than one pixel."""
    width, height = canvas.width, canvas.height
    for axis, start, end, limit, extent in (("x", xmin, xmax, width, "wide"), ("y", ymin, ymax, height, "high")):
        if start < -_OFF_BY_ONE or start >= limit:
            raise ValueError(f"starts at {axis}={start:g}, but {canvas.image.name} is {limit} {extent}")
        if end > limit + _OFF_BY_ONE or end <= 0:
            raise ValueError(f"ends at {axis}={end:g}, but {canvas.image.name} is {limit} {extent}")


def clean_label(label: str) -> str:
    """Returns `label` with single spaces. Raises ValueError if it is empty, too long, or not printable."""
    words = " ".join(label.split())
    if not words:
        raise ValueError("has no class name")
    if len(words) > MAX_LABEL_LENGTH or not words.isprintable():
        raise ValueError(f"has {quoted(words)} for a class name")
    return words
