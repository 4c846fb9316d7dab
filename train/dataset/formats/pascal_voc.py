"""PASCAL VOC: an XML file per image.

Reads these layouts: `annotations/` and `images/`; `Annotations/`, `JPEGImages/` and `ImageSets/Main/*.txt`;
images and XML files side by side, also below `train/`, `valid/`, `test/`; `annotations.zip` and `images.zip`
in one folder.

Coordinates are used as written: tools disagree on whether the first pixel is 0 or 1, and the files do not say.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Optional
from xml.etree.ElementTree import Element

from runtime.common.errors import InputError
from train.dataset.examples.assembly import Assembler, Canvas, labelled_box
from train.dataset.examples.evidence import by_evidence
from train.dataset.examples.example import Example, LabelledBox
from train.dataset.examples.image_files import File, quoted
from train.dataset.examples.problems import Problems
from train.dataset.examples.splits import assign_splits, group_by_split, test_split
from train.dataset.formats import Score, Splits
from train.dataset.formats._voc_files import VocFiles, voc_score
from train.files import untrusted_xml

_SIDES = ("xmin", "ymin", "xmax", "ymax")


def score(folder: Path) -> Optional[Score]:
    """Returns how many images have an XML file of their name; None if no XML file is an annotation."""
    return voc_score(folder)


@by_evidence
def read(folder: Path) -> Splits:
    """Reads and checks the annotations below `folder` and their images.

    Raises InputError if there are none, or if too many are bad.
    """
    problems = Problems()
    files = VocFiles(folder, problems)
    if not files.annotations:
        raise InputError(f"{folder}: no XML file in it; give the folder with the annotations and the images")
    parts = files.parts(problems)
    assembler = Assembler(problems)
    twice = _Twice()
    moved: list[str] = []
    examples: dict[str, Optional[Example]] = {}
    for id in dict.fromkeys(id for ids in parts.values() for id in ids):
        source = files.annotations[id]
        examples[id] = None
        if files.is_moved(source):
            moved.append(str(source.name))
            continue
        try:
            examples[id] = _read(id, source, files, assembler, twice)
        except InputError as error:
            problems.add_file(str(error))
    twice.report(problems)
    if moved:
        problems.add_note(
            f"not used, because their images are in another part, with annotations of their own: {len(moved)}"
            f" XML file{'s' * (len(moved) > 1)} ({moved[0]})"
        )
    found = group_by_split((part, examples[id]) for part, ids in parts.items() for id in ids)
    train, validation = assign_splits(found, problems, files.lists())
    lines = problems.check_limits(str(folder), len(examples), assembler.boxes)
    return Splits(train, validation, lines, test=test_split(found, train))


class _Twice:
    """The annotations that say the same of the same image as another one: copies of a folder."""

    def __init__(self) -> None:
        self._seen: dict[Path, File] = {}
        self._copies: list[str] = []

    def is_copy(self, source: File, image: File, root: Element) -> bool:
        """Returns True if an earlier annotation says the same of the image; else remembers this one."""
        first = self._seen.setdefault(image.path, source)
        # Few images have two annotations; the first of them is read again.
        if first is source or _said(root) != _said(_lowered(untrusted_xml.read(first.path, str(first.name)))):
            return False
        self._copies.append(str(source.name))
        return True

    def report(self, problems: Problems) -> None:
        """Adds a note on the copies, if there are any."""
        if self._copies:
            count = len(self._copies)
            problems.add_note(
                f"not used, because another says the same of the image: {count} XML file{'s' * (count > 1)} ({self._copies[0]})"
            )


def _read(id: str, source: File, files: VocFiles, assembler: Assembler, twice: _Twice) -> Optional[Example]:
    name = str(source.name)
    root = _lowered(untrusted_xml.read(source.path, name))
    if root.tag != "annotation":
        raise InputError(f"{name}: not a PASCAL VOC annotation: its root is <{str(root.tag)[:40]}>")
    objects = [(f"{name}: box {number}", item) for number, item in enumerate(root.findall("object"), 1)]
    image = files.image(source, _text(root, "filename"))
    if twice.is_copy(source, image, root):
        return None
    canvas = assembler.canvas(image, name, _size(root))
    return assembler.example(id, canvas, name, objects, lambda element: _box(element, canvas))


def _said(root: Element) -> list[str]:
    """Returns what an annotation says of its objects."""
    return [text for item in root.iter("object") for text in item.itertext() if not text.isspace()]


def _lowered(root: Element) -> Element:
    """Writes the names of all elements in lower case, without a namespace, and returns the root."""
    tags = {element.tag for element in root.iter()}
    # Comments have a function for a tag.
    other = {tag for tag in tags if isinstance(tag, str) and ("}" in tag or not tag.islower())}
    for element in root.iter() if other else ():
        if element.tag in other:
            element.tag = element.tag.rpartition("}")[2].lower()
    return root


def _size(root: Element) -> Optional[tuple[float, float]]:
    size = root.find("size")
    if size is None:
        return None
    declared = _number(size, "width"), _number(size, "height")
    # The image itself says what an empty <width> does not.
    return declared if all(map(math.isfinite, declared)) else None


def _box(element: Element, canvas: Canvas) -> LabelledBox:
    """Returns the box of an `object` element. Raises ValueError with the fault if it is bad."""
    label = _text(element, "name")
    if not label:
        raise ValueError("has no <name>")
    xmin, ymin, xmax, ymax = _sides(element)
    difficult, truncated = _text(element, "difficult") == "1", _text(element, "truncated") == "1"
    return labelled_box(canvas, label, (xmin, ymin, xmax, ymax), difficult, truncated)


def _sides(element: Element) -> tuple[float, float, float, float]:
    """Returns xmin, ymin, xmax, ymax of an `object`: of its `bndbox`, or of the box around its polygon."""
    bounds = element.find("bndbox")
    if bounds is None:
        xs, ys = _corners(element)
        return min(xs), min(ys), max(xs), max(ys)
    texts = [bounds.findtext(tag) or "" for tag in _SIDES]
    try:
        xmin, ymin, xmax, ymax = map(float, texts)
        if not math.isfinite(xmin + ymin + xmax + ymax):
            raise ValueError
    except ValueError:
        raise ValueError(_wrong_side(texts)) from None
    return xmin, ymin, xmax, ymax


def _corners(element: Element) -> tuple[list[float], list[float]]:
    """Returns the x and y coordinates of an object's polygon or rotated box. Raises ValueError if it has neither.

    Polygons are those of Roboflow (`x1`, `y1`, `x2`, ...) and LabelMe (`pt` with `x` and `y`), rotated boxes those of
    roLabelImg (`cx`, `cy`, `w`, `h`, and `angle` in radians).
    """
    rotated = element.find("robndbox")
    if rotated is not None:
        x, y, width, height, angle = (_number(rotated, tag) for tag in ("cx", "cy", "w", "h", "angle"))
        across = abs(width * math.cos(angle)) + abs(height * math.sin(angle))
        down = abs(width * math.sin(angle)) + abs(height * math.cos(angle))
        return [x - across / 2, x + across / 2], [y - down / 2, y + down / 2]
    polygon = element.find("polygon")
    if polygon is None:
        raise ValueError("has no <bndbox> and no <polygon>")
    points = polygon.findall("pt")
    if points:
        return [_number(point, "x") for point in points], [_number(point, "y") for point in points]
    values = [(str(item.tag)[:1], item.text or "") for item in polygon]
    try:
        xs, ys = ([float(text) for axis, text in values if axis == name] for name in "xy")
    except ValueError:
        raise ValueError("has a <polygon> with a side that is not a number of pixels") from None
    if not xs or len(xs) != len(ys):
        raise ValueError("has a <polygon> without points")
    return xs, ys


def _wrong_side(texts: list[str]) -> str:
    for tag, text in zip(_SIDES, map(str.strip, texts)):
        if not text:
            return f"has no <{tag}>"
        try:
            if math.isfinite(float(text)):
                continue
        except ValueError:
            pass
        return f"has {tag}={quoted(text)}, which is not a number of pixels"
    return "has sides that are no numbers"


def _text(element: Element, tag: str) -> str:
    return (element.findtext(tag) or "").strip()


def _number(element: Element, tag: str) -> float:
    """Returns the number in `tag`; NaN if there is none."""
    try:
        return float(_text(element, tag))
    except ValueError:
        return math.nan
