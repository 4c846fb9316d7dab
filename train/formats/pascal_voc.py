"""PASCAL VOC: one XML file a picture.

Read in the layouts that people have: `annotations/` and `images/`; `Annotations/`, `JPEGImages/` and
`ImageSets/Main/*.txt`; pictures and XML side by side, also below `train/`, `valid/`, `test/`; or
`annotations.zip` and `images.zip` in one folder.

The boxes' numbers are taken as they are: tools disagree on whether the first pixel is 0 or 1, and the
files do not say.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Optional
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from runtime.errors import InputError
from runtime.values import Box
from train.example import Example, LabelledBox
from train.formats import Splits
from train.picture_info import PictureInfo, inspect, turned_size
from train.problems import Problems
from train.voc_files import File, VocFiles, looks_like_voc

# So far a box may stick out of its picture: the price of the disagreement on 0 or 1.
_OFF_BY_ONE = 1.0


def accepts(folder: Path) -> bool:
    """Whether there is an XML file anywhere in `folder`, or a zip file named `annotations.zip`."""
    return looks_like_voc(folder)


def read(folder: Path) -> Splits:
    """Reads and checks the annotations below `folder` and the pictures that they belong to.

    Raises InputError where there are none, or where too many are bad.
    """
    files = VocFiles(folder)
    if not files.annotations:
        raise InputError(f"{folder}: no XML file in it; give the folder with the annotations and the pictures")
    problems = Problems()
    train, validation = files.splits(problems)
    reader = _Reader(files, problems)
    examples = {id: reader.example(id) for id in dict.fromkeys((*train, *(validation or ())))}
    lines = problems.settle(str(folder), len(examples), reader.boxes)
    return Splits(
        tuple(example for id in train if (example := examples[id])),
        None if validation is None else tuple(example for id in validation if (example := examples[id])),
        lines,
    )


class _Reader:
    """Reads one annotation after the other; `boxes` counts those seen, good and bad."""

    def __init__(self, files: VocFiles, problems: Problems) -> None:
        self.boxes = 0
        self._files = files
        self._problems = problems
        self._owners: dict[Path, File] = {}

    def example(self, id: str) -> Optional[Example]:
        """The example of the annotation `id`; None, and the reason among the problems, where it is of no use."""
        try:
            return self._read(id, self._files.annotations[id])
        except InputError as error:
            self._problems.file(str(error))
            return None

    def _read(self, id: str, source: File) -> Optional[Example]:
        root = _parse(source)
        objects = root.findall("object")
        self.boxes += len(objects)
        picture = self._files.picture(source, _text(root, "filename"))
        owner = self._owners.setdefault(picture.path, source)
        if owner is not source:
            raise InputError(f"{source.name}: its picture {picture.name} belongs to {owner.name} already")
        info = inspect(picture.path, str(picture.name))
        orientation = _orientation(source, root, picture, info)
        width, height = turned_size(info.width, info.height, orientation)
        boxes = []
        for number, element in enumerate(objects, 1):
            try:
                boxes.append(_labelled_box(element, width, height, picture.name))
            except ValueError as error:
                self._problems.box(f"{source.name}: box {number} {error}")
        if objects and not boxes:
            # As a picture of background it would teach that its objects are none.
            self._problems.note(f"{source.name}: left out, for none of its boxes can be used")
            return None
        return Example(id, picture.path, width, height, tuple(boxes), orientation)


def _parse(source: File) -> Element:
    try:
        root = fromstring(source.path.read_bytes())
    except DefusedXmlException as error:
        raise InputError(f"{source.name}: declares XML entities, which annotations do not need; refused") from error
    except (ParseError, ValueError, LookupError) as error:
        raise InputError(f"{source.name}: not XML ({error})") from error
    except OSError as error:
        raise InputError(f"{source.name}: cannot be read: {error.strerror}") from error
    if root.tag != "annotation":
        raise InputError(f"{source.name}: not a PASCAL VOC annotation: its root is <{root.tag}>")
    return root


def _orientation(source: File, root: Element, picture: File, info: PictureInfo) -> int:
    """The EXIF orientation that makes the stored pixels those the boxes were drawn on."""
    size = root.find("size")
    said = (0.0, 0.0) if size is None else (_number(size, "width"), _number(size, "height"))
    # Some tools leave the size out or write zeros; the boxes are then checked against the picture.
    if not any(said) or said == info.displayed_size:
        return info.orientation
    if said == (info.width, info.height):
        return 1
    if not all(map(math.isfinite, said)):
        raise InputError(f"{source.name}: its <size> has no <width> and <height> that are numbers")
    width, height = info.displayed_size
    raise InputError(f"{source.name}: says {said[0]:g} x {said[1]:g}, but {picture.name} is {width} x {height}")


def _labelled_box(element: Element, width: int, height: int, picture: Path) -> LabelledBox:
    """Raises ValueError, saying what is wrong with the box."""
    label = " ".join(_text(element, "name").split())
    if not label:
        raise ValueError("has no <name>")
    bounds = element.find("bndbox")
    if bounds is None:
        raise ValueError("has no <bndbox>")
    values = {}
    for side in ("xmin", "ymin", "xmax", "ymax"):
        text = _text(bounds, side)
        if not text:
            raise ValueError(f"has no <{side}>")
        values[side] = _number(bounds, side)
        if not math.isfinite(values[side]):
            raise ValueError(f"has {side}={text[:20]!r}, which is not a number of pixels")
    box = Box(**values)
    if box.area <= 0:
        raise ValueError("has no area (xmin={xmin:g} ymin={ymin:g} xmax={xmax:g} ymax={ymax:g})".format(**values))
    for axis, start, end, limit, extent in (
        ("x", box.xmin, box.xmax, width, "wide"),
        ("y", box.ymin, box.ymax, height, "high"),
    ):
        if start < -_OFF_BY_ONE or start >= limit:
            raise ValueError(f"starts at {axis}={start:g}, but {picture} is {limit} {extent}")
        if end > limit + _OFF_BY_ONE or end <= 0:
            raise ValueError(f"ends at {axis}={end:g}, but {picture} is {limit} {extent}")
    box = Box(max(box.xmin, 0.0), max(box.ymin, 0.0), min(box.xmax, float(width)), min(box.ymax, float(height)))
    return LabelledBox(label, box, _text(element, "difficult") == "1", _text(element, "truncated") == "1")


def _text(element: Element, tag: str) -> str:
    return (element.findtext(tag) or "").strip()


def _number(element: Element, tag: str) -> float:
    """The number in `tag`; NaN where there is none."""
    try:
        return float(_text(element, tag))
    except ValueError:
        return math.nan
