"""The lines of YOLO label files: a class and a box, a polygon, or a box with key points."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Optional

from train.dataset.examples.image_files import quoted

# The share of the boxes that must fit a meaning of their numbers for it to be believed, and the share that must not
# fit the usual one. A box may exceed the image by so much, in shares of the sides.
_FITTING = 0.99
_BAD = 1 / 3
_SLACK = 0.02
# After the class KITTI has truncation, occlusion, angle, the box, and 7 numbers of the box in space; results have a
# score after them (https://www.cvlibs.net/datasets/kitti/eval_object.php).
_KITTI = (14, 15)
# DOTA's lines have four corners, the class and whether it is difficult (https://captain-whu.github.io/DOTA/dataset.html).
_DOTA_HEADINGS = ("imagesource:", "gsd:")
# What KITTI calls regions in which nothing is labelled.
UNLABELLED = "DontCare"
# A share above this is no slip, but pixels.
_NO_SHARE = 2.0


@dataclass(frozen=True)
class Line:
    """The class of a line as written, its number (None where it has a name), and the numbers after it.

    With `corners` the values are certainly (xmin, ymin, xmax, ymax).
    """

    written: str
    number: Optional[int]
    values: list[float]
    corners: bool = False


def parse(text: str) -> Line:
    """Returns a line's class and numbers, which spaces, commas or semicolons separate. Raises ValueError if bad."""
    words = _words(text)
    try:
        # Python takes the digits of every script for numbers; in labels they are text, as on number plates.
        number, *values = map(float, words if text.isascii() else [])
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
    if not words:
        raise ValueError("has no numbers")
    start = next((at for at, word in enumerate(words) if _is_number(word)), len(words))
    if _is_dota(words):
        return Line(words[8], None, list(map(float, words[:8])))
    if start == 0 or start == len(words):
        wrong = next(word for word in words if not _is_number(word))
        raise ValueError(f"has {quoted(wrong)}, which is not a number")
    name = " ".join(words[:start])
    try:
        values = list(map(float, words[start:]))
    except ValueError:
        wrong = next(word for word in words[start:] if not _is_number(word))
        raise ValueError(f"has {quoted(wrong)}, which is not a number") from None
    if len(values) in _KITTI:
        return Line(name, None, values[3:7], corners=True)
    if len(values) not in (4, 5):
        raise ValueError(f"has {len(values)} numbers after the name {quoted(name)}, where a box has 4")
    return Line(name, None, values)


def is_heading(text: str) -> bool:
    """Returns True for the lines with which DOTA's files begin."""
    return text.startswith(_DOTA_HEADINGS)


def _is_dota(words: list[str]) -> bool:
    return len(words) in (9, 10) and all(map(_is_number, words[:8])) and not _is_number(words[8]) and words[9:] in ([], ["0"], ["1"], ["2"])


def _is_number(word: str) -> bool:
    if not word.isascii():
        return False
    try:
        float(word)
    except ValueError:
        return False
    return True


def sides(values: list[float], with_key_points: bool, corners: bool) -> tuple[float, float, float, float]:
    """Returns (xmin, ymin, xmax, ymax) of the box or polygon that `values` describe, in their own unit.

    With `corners` a box is (xmin, ymin, xmax, ymax), else (xcenter, ycenter, width, height). A number after the box,
    which is a detector's confidence, is ignored. Raises ValueError if the values are neither a box nor a polygon.
    """
    if with_key_points or len(values) == 5 or _has_key_points(values):
        values = values[:4]
    if len(values) == 4:
        x, y, width, height = values
        if corners:
            return x, y, width, height
        if width <= 0 or height <= 0:
            raise ValueError(f"has no area (width={width:g} height={height:g})")
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2
    if len(values) < 6 or len(values) % 2:
        raise ValueError(f"has {len(values) + 1} numbers: neither a class and a box (5) nor a class and a polygon")
    xs, ys = values[::2], values[1::2]
    return min(xs), min(ys), max(xs), max(ys)


def _has_key_points(values: list[float]) -> bool:
    """Returns True if key points (x, y, visibility) follow the box, also without a description that says so.

    Visibility is 0, 1 or 2. An even number of values may be a polygon too; but no coordinate of one is 2.
    """
    visible = values[6::3]
    if len(values) < 7 or (len(values) - 4) % 3 or not all(value in (0, 1, 2) for value in visible):
        return False
    return len(values) % 2 == 1 or 2 in visible


def are_corners(lines: Iterable[Line]) -> bool:
    """Returns True if the boxes are evidently (xmin, ymin, xmax, ymax), in shares or in pixels.

    That is so if a third of them would leave the image as (xcenter, ycenter, width, height), and nearly all have
    their maxima above their minima.
    """
    boxes = [line.values for line in lines if len(line.values) in (4, 5)]
    ordered = sum(right > x and bottom > y for x, y, right, bottom, *_ in boxes)
    leaving = sum(_leaves(x, width) or _leaves(y, height) for x, y, width, height, *_ in boxes)
    return len(boxes) > 1 and leaving > _BAD * len(boxes) and ordered >= _FITTING * len(boxes)


def _leaves(center: float, length: float) -> bool:
    """Returns True if a box leaves the image: at its beginning, or, if it is in shares, at its end."""
    if max(center, length) > _NO_SHARE:
        return center - length / 2 < -1
    return center - length / 2 < -_SLACK or center + length / 2 > 1 + _SLACK


@dataclass
class ClassNumbers:
    """The numbers of the classes that a data set's labels have."""

    _lowest: int = 1
    _excess: int = -1

    def add(self, number: int, classes: int) -> None:
        """Adds the number of a line in a label file for which so many classes are named."""
        self._lowest = min(self._lowest, number)
        self._excess = max(self._excess, number - classes)

    def count_from_1(self) -> bool:
        """Returns True if classes count from 1: none has the number 0, and one the number after the last name's."""
        return self._lowest == 1 and self._excess == 0
