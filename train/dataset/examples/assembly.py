"""Images and boxes put together as examples, with the same checks for every format."""

from __future__ import annotations

import math
from collections import defaultdict
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

# So far a box may stick out of its image: tools disagree on whether the first pixel is 0 or 1.
_OFF_BY_ONE = 1.0

# Boxes are kept to a thousandth of a pixel. Formats that store shares of the sides (float32 in
# TFRecords, six decimals in YOLO) then give the very numbers that the others do.
_DECIMALS = 3

MAX_LABEL_LENGTH = 200


@dataclass(frozen=True)
class Canvas:
    """The pixels that boxes were drawn on: the image turned by its EXIF `orientation`, or as stored."""

    image: File
    width: int
    height: int
    orientation: int


class Assembler:
    """Makes examples; what is wrong goes to `problems`. `boxes` counts those seen, good and bad."""

    def __init__(self, problems: Problems) -> None:
        self.boxes = 0
        self._problems = problems
        self._owners: dict[Path, str] = {}

    def canvas(self, image: File, source: str, declared: Optional[tuple[float, float]] = None) -> Canvas:
        """Checks the image. `declared` is the (width, height) that `source` gives it; None or zeros say nothing.

        Raises InputError where the image cannot be read, is of another size, or has other annotations.
        """
        owner = self._owners.setdefault(image.path, source)
        if owner != source:
            raise InputError(f"{source}: its image {image.name} belongs to {owner} already")
        info = inspect(image.path, str(image.name))
        orientation = info.orientation
        # Some tools leave the size out or write zeros; the boxes are then checked against the image.
        if declared and any(declared) and declared != info.displayed_size:
            if declared != (info.width, info.height):
                width, height = info.displayed_size
                raise InputError(f"{source}: says {declared[0]:g} x {declared[1]:g}, but {image.name} is {width} x {height}")
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
        """The example of `canvas` and of what `box` makes of the `items`, each of which has a name for messages.

        `box` raises ValueError, saying what is wrong, for a box that is then left out. None where that
        leaves no box: as an image of background it would teach that its objects are none.
        """
        boxes, bad = [], 0
        for name, item in items:
            self.boxes += 1
            try:
                boxes.append(box(item))
            except ValueError as error:
                bad += 1
                self._problems.box(f"{name} {error}")
        if bad and not boxes:
            self._problems.note(f"{source}: left out, for none of its boxes can be used")
            return None
        return Example(id, canvas.image.path, canvas.width, canvas.height, tuple(boxes), canvas.orientation)


def labelled_box(
    canvas: Canvas,
    label: str,
    sides: tuple[float, float, float, float],
    difficult: bool = False,
    truncated: bool = False,
) -> LabelledBox:
    """A box of (xmin, ymin, xmax, ymax) in pixels, which may stick out by one and is then clipped.

    Raises ValueError, saying what is wrong, where it lies outside, has no area, or no label.
    """
    label = clean_label(label)
    if not all(map(math.isfinite, sides)):
        wrong = next(item for item in zip(("xmin", "ymin", "xmax", "ymax"), sides) if not math.isfinite(item[1]))
        raise ValueError("has {}={}, which is not a number of pixels".format(*wrong))
    # Adding 0 makes 0 of -0, which is equal but has other bytes.
    xmin, ymin, xmax, ymax = [round(value, _DECIMALS) + 0.0 for value in sides]
    if xmax <= xmin or ymax <= ymin:
        raise ValueError(f"has no area (xmin={xmin:g} ymin={ymin:g} xmax={xmax:g} ymax={ymax:g})")
    width, height = canvas.width, canvas.height
    if xmin < 0 or ymin < 0 or xmax > width or ymax > height:
        _check_inside(canvas, xmin, ymin, xmax, ymax)
        xmin, ymin, xmax, ymax = max(xmin, 0.0), max(ymin, 0.0), min(xmax, float(width)), min(ymax, float(height))
    return LabelledBox(label, Box(xmin, ymin, xmax, ymax), difficult, truncated)


def _check_inside(canvas: Canvas, xmin: float, ymin: float, xmax: float, ymax: float) -> None:
    """Raises ValueError where a box lies outside, or sticks out by more than one pixel."""
    width, height = canvas.width, canvas.height
    for axis, start, end, limit, extent in (("x", xmin, xmax, width, "wide"), ("y", ymin, ymax, height, "high")):
        if start < -_OFF_BY_ONE or start >= limit:
            raise ValueError(f"starts at {axis}={start:g}, but {canvas.image.name} is {limit} {extent}")
        if end > limit + _OFF_BY_ONE or end <= 0:
            raise ValueError(f"ends at {axis}={end:g}, but {canvas.image.name} is {limit} {extent}")


def clean_label(label: str) -> str:
    """`label` with single spaces. Raises ValueError where nothing or an essay is left."""
    words = " ".join(label.split())
    if not words:
        raise ValueError("has no class name")
    if len(words) > MAX_LABEL_LENGTH or not words.isprintable():
        raise ValueError(f"has {quoted(words)} for a class name")
    return words


def assign_splits(
    parts: dict[str, list[Example]], problems: Problems
) -> tuple[tuple[Example, ...], Optional[tuple[Example, ...]]]:
    """Training and validation from the examples of the parts "train", "val", "test" and "" (none of them).

    All is for training, and validation None, where some say no part, or there are not two. Test images
    are for validation where there is no "val". Sorted by id.
    """
    parts = {name: examples for name, examples in parts.items() if examples}
    if "" in parts or "train" not in parts or len(parts) < 2:
        return _sorted(example for examples in parts.values() for example in examples), None
    if "val" in parts and "test" in parts:
        problems.add_note(
            f"kept out of training and validation, since in the test part: {len(parts['test'])} images"
        )
    return _sorted(parts["train"]), _sorted(parts.get("val") or parts["test"])


def group_by_split(examples: Iterable[tuple[str, Optional[Example]]]) -> dict[str, list[Example]]:
    """(part, example) by part; what could not be read is None and left out."""
    parts = defaultdict(list)
    for part, example in examples:
        if example is not None:
            parts[part].append(example)
    return dict(parts)


def _sorted(examples: Iterable[Example]) -> tuple[Example, ...]:
    return tuple(sorted(examples, key=lambda example: example.id))
