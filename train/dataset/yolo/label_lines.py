"""The lines of YOLO label files: a class and a box, a polygon, or a box with key points."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional

from train.dataset.examples.image_files import quoted

# How many boxes are kept to find out what their numbers mean.
_SAMPLE = 2000
# The share of the boxes that must fit a meaning of their numbers for it to be believed, how far one may exceed the
# image, in shares of its sides, and how many boxes of the usual meaning may be bad before others are tried.
_FITTING = 0.99
_SLACK = 0.02
_MAX_BAD = 1 / 3
# A share above this is no slip, but pixels.
_NO_SHARE = 2.0


@dataclass(frozen=True)
class Reading:
    """What the numbers of a line mean.

    `first` is the number of the first class. Boxes are (xcenter, ycenter, width, height), or (xmin, ymin, xmax, ymax)
    with `corners`, in shares of the image's sides, or in pixels with `pixels`.
    """

    first: int = 0
    corners: bool = False
    pixels: bool = False

    @property
    def text(self) -> str:
        """The meaning of the box's numbers in words."""
        order = "xmin, ymin, xmax, ymax" if self.corners else "xcenter, ycenter, width, height"
        return f"{order} in {'pixels' if self.pixels else 'shares of the sides'}"


@dataclass(frozen=True)
class Line:
    """The class of a line as written, its number (None where it has a name), and the numbers after it."""

    written: str
    number: Optional[int]
    values: list[float]


def parse(text: str) -> Line:
    """Returns a line's class and numbers, which spaces, commas or semicolons separate. Raises ValueError if bad."""
    words = _words(text)
    try:
        number, *values = map(float, words)
    except ValueError:
        return _named(words)
    if not number.is_integer() or number < 0:
        raise ValueError(f"has {quoted(words[0])} for a class number")
    return Line(words[0], int(number), values)


def _words(text: str) -> list[str]:
    words = text.split()
    if ";" not in text and "," not in text:
        return words
    words = text.replace(";", " ").split()
    if len(words) >= 5 and all(not word.endswith(",") and word.count(",") <= 1 for word in words):
        # The decimal comma of a spreadsheet.
        return [word.replace(",", ".") for word in words]
    return text.replace(";", " ").replace(",", " ").split()


def _named(words: list[str]) -> Line:
    """Returns a line that begins with the name of its class, which may have spaces."""
    start = next((at for at, word in enumerate(words) if _is_number(word)), len(words))
    if start == 0 or start == len(words):
        wrong = next(word for word in words if not _is_number(word))
        raise ValueError(f"has {quoted(wrong)}, which is not a number")
    try:
        return Line(" ".join(words[:start]), None, list(map(float, words[start:])))
    except ValueError:
        wrong = next(word for word in words[start:] if not _is_number(word))
        raise ValueError(f"has {quoted(wrong)}, which is not a number") from None


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def corners(
    values: list[float], with_key_points: bool, reading: Reading, size: tuple[int, int]
) -> tuple[float, float, float, float]:
    """Returns (xmin, ymin, xmax, ymax) in pixels of the box or polygon that `values` describe.

    `size` is the image's (width, height). A number after the box, which is a detector's confidence, is ignored.
    Raises ValueError if the values are neither a box nor a polygon.
    """
    if with_key_points or len(values) == 5 or _has_key_points(values):
        values = values[:4]
    if len(values) == 4:
        return _box(values, reading, size)
    if len(values) < 6 or len(values) % 2:
        raise ValueError(f"has {len(values) + 1} numbers: neither a class and a box (5) nor a class and a polygon")
    width, height = (1, 1) if reading.pixels else size
    xs, ys = values[::2], values[1::2]
    return min(xs) * width, min(ys) * height, max(xs) * width, max(ys) * height


def _box(values: list[float], reading: Reading, size: tuple[int, int]) -> tuple[float, float, float, float]:
    width, height = (1, 1) if reading.pixels else size
    x, y, right, bottom = values
    if reading.corners:
        return x * width, y * height, right * width, bottom * height
    if right <= 0 or bottom <= 0:
        raise ValueError(f"has no area (width={right:g} height={bottom:g})")
    return (x - right / 2) * width, (y - bottom / 2) * height, (x + right / 2) * width, (y + bottom / 2) * height


def _has_key_points(values: list[float]) -> bool:
    """Returns True if key points (x, y, visibility) follow the box, also without a description that says so.

    Visibility is 0, 1 or 2. An even number of values may be a polygon too; but no coordinate of one is 2.
    """
    visible = values[6::3]
    if len(values) < 7 or (len(values) - 4) % 3 or not all(value in (0, 1, 2) for value in visible):
        return False
    return len(values) % 2 == 1 or 2 in visible


@dataclass
class Evidence:
    """What was seen of the label lines of a data set, from which the meaning of their numbers follows.

    `boxes` counts the lines with a box, `bad` those of them that do not fit the image in the usual meaning.
    """

    boxes: int = 0
    bad: int = 0
    _lowest: int = 1
    _excess: int = -1
    _sample: list[tuple[list[float], tuple[int, int]]] = field(default_factory=list)

    def add(self, line: Line, size: tuple[int, int], classes: int) -> None:
        """Adds a line of an image of `size` (width, height), of a data set that names so many classes."""
        if line.number is not None:
            self._lowest = min(self._lowest, line.number)
            self._excess = max(self._excess, line.number - classes)
        if len(line.values) == 4:
            self.boxes += 1
            if not _fits(line.values, Reading(), size):
                self.bad += 1
            if len(self._sample) < _SAMPLE:
                self._sample.append((line.values, size))

    def reading(self) -> Reading:
        """Returns the meaning of the numbers: the usual one, unless another is evident.

        Classes count from 1 if none has the number 0, and one has the number after the last name's. Another meaning
        of boxes is evident if a third of them do not fit their images in the usual one, and nearly all do in only one
        other.
        """
        first = 1 if self._lowest == 1 and self._excess == 0 else 0
        if self.bad <= _MAX_BAD * self.boxes or self.boxes < 2:
            return Reading(first)
        large = sum(max(values) > _NO_SHARE for values, _ in self._sample) > len(self._sample) / 2
        others = [Reading(first, corners, large) for corners in (False, True)]
        fitting = [other for other in others if self._fitting(other) >= _FITTING]
        return fitting[0] if len(fitting) == 1 else Reading(first)

    def _fitting(self, reading: Reading) -> float:
        return sum(_fits(values, reading, size) for values, size in self._sample) / len(self._sample)


def _fits(values: list[float], reading: Reading, size: tuple[int, int]) -> bool:
    x, y, right, bottom = values
    width, height = size if reading.pixels else (1, 1)
    if not reading.corners:
        x, y, right, bottom = x - right / 2, y - bottom / 2, x + right / 2, y + bottom / 2
    return _inside(x, right, width) and _inside(y, bottom, height)


def _inside(start: float, end: float, side: float) -> bool:
    return -_SLACK * side <= start < end <= (1 + _SLACK) * side
