"""PASCAL VOC: one XML file a picture.

Read in the layouts that people have: `annotations/` and `images/`; `Annotations/`, `JPEGImages/` and
`ImageSets/Main/*.txt`; pictures and XML side by side, also below `train/`, `valid/`, `test/`; or
`annotations.zip` and `images.zip` in one folder.
"""

from __future__ import annotations

import math
import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Optional
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from runtime.errors import InputError
from runtime.values import Box
from train import archive, pictures
from train.example import Example, LabelledBox
from train.formats import Splits
from train.problems import Problems

# Tools disagree on whether the first pixel is 0 or 1 and on whether the last one is inside.
_OFF_BY_ONE = 1.0

_ANNOTATION_ZIPS = ("annotations.zip",)
_PICTURE_ZIPS = ("images.zip", "jpegimages.zip")


def accepts(folder: Path) -> bool:
    """Whether there is an XML file anywhere in `folder`, or a zip file named `annotations.zip`."""
    return any(name.suffix.lower() == ".xml" for name in _files(folder)) or bool(_zips(folder, _ANNOTATION_ZIPS))


def read(folder: Path) -> Splits:
    """Reads and checks all annotations below `folder` and the pictures that they belong to.

    Raises InputError where there are none, or where too many are bad.
    """
    tree = _Tree(folder)
    if not tree.annotations:
        raise InputError(f"{folder}: no XML file in it; give the folder with the annotations and the pictures")
    problems = Problems()
    train, validation = _lists(tree, problems)
    boxes = 0
    examples: dict[str, Example] = {}
    for id in dict.fromkeys((*train, *(validation or ()))):
        source = tree.annotations[id]
        try:
            root = _parse(source)
            boxes += len(root.findall("object"))
            example = _example(id, source, root, tree, problems)
        except InputError as error:
            problems.file(str(error))
            continue
        if example:
            examples[id] = example
    lines = problems.settle(str(folder), len(tree.annotations), boxes)
    return Splits(
        tuple(examples[id] for id in train if id in examples),
        None if validation is None else tuple(examples[id] for id in validation if id in examples),
        lines,
    )


@dataclass(frozen=True)
class _File:
    """A file of the data set: where it is, and its name from the data set's top, for messages."""

    path: Path
    name: Path


class _Tree:
    """The annotation and picture files below a folder and in the zip files that stand for them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        files = [_File(folder / name, name) for name in _files(folder)]
        self.xml = [file for file in files if file.name.suffix.lower() == ".xml"]
        found = [file for file in files if file.name.suffix.lower() in pictures.SUFFIXES]
        if not self.xml:
            self.xml = [file for file in _unzipped(folder, _ANNOTATION_ZIPS) if file.name.suffix.lower() == ".xml"]
        if not found:
            found = [
                file for file in _unzipped(folder, _PICTURE_ZIPS) if file.name.suffix.lower() in pictures.SUFFIXES
            ]
        self.by_stem: dict[str, list[_File]] = defaultdict(list)
        for file in found:
            self.by_stem[file.name.stem].append(file)
        self.lists = {
            file.name.stem: file.path
            for file in files
            if file.name.suffix == ".txt" and file.name.parts[-3:-1] == ("ImageSets", "Main")
        }
        stems = {file.name.stem for file in self.xml}
        # The bare stem where it is enough, so that the same pictures have the same ids in any layout.
        unique = len(stems) == len(self.xml)
        self.annotations = {
            file.name.stem if unique else file.name.with_suffix("").as_posix(): file for file in self.xml
        }

    def picture(self, annotation: _File, filename: str) -> _File:
        """The picture of `annotation`: by the annotation's stem, else by its `filename` tag.

        Of several, the one nearest in the tree. Raises InputError where there is none.
        """
        tagged = Path(filename.replace("\\", "/")).stem
        for stem in (annotation.name.stem, tagged):
            if self.by_stem.get(stem):
                return max(self.by_stem[stem], key=lambda file: _nearness(annotation.name, file.name))
        names = annotation.name.stem + (f".* or {filename}" if filename else ".*")
        raise InputError(f"{annotation.name}: its picture is missing: no {names} in {self.folder}")


def _files(folder: Path) -> Iterator[Path]:
    """All files below `folder`, relative to it, sorted; nothing hidden and no macOS resource forks."""
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(root, name).relative_to(folder)


def _zips(folder: Path, names: tuple[str, ...]) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name.lower() in names)


def _unzipped(folder: Path, names: tuple[str, ...]) -> list[_File]:
    found = []
    for path in _zips(folder, names):
        inside = archive.extract(path)
        found += [_File(inside / name, Path(path.name, name)) for name in _files(inside)]
    return found


def _nearness(annotation: Path, picture: Path) -> int:
    return len(os.path.commonprefix([annotation.parent.parts, picture.parent.parts]))


def _lists(tree: _Tree, problems: Problems) -> tuple[list[str], Optional[list[str]]]:
    """The ids to train and to validate on; None for the latter where the data has no such lists."""
    for train, validation in (("trainval", "test"), ("train", "val"), ("train", "test")):
        if train in tree.lists and validation in tree.lists:
            return _listed(tree, train, problems), _listed(tree, validation, problems)
    return sorted(tree.annotations), None


def _listed(tree: _Tree, name: str, problems: Problems) -> list[str]:
    ids = []
    for line in tree.lists[name].read_text(encoding="utf-8-sig").splitlines():
        if not line.strip():
            continue
        if line.strip() in tree.annotations:
            ids.append(line.strip())
        else:
            problems.file(f"ImageSets/Main/{name}.txt: {line.strip()} has no XML file")
    return ids


def _parse(source: _File) -> Element:
    try:
        root = fromstring(source.path.read_bytes())
    except (ParseError, ValueError, LookupError) as error:
        if isinstance(error, DefusedXmlException):
            raise InputError(f"{source.name}: has a DTD or entities, which annotations do not need") from error
        raise InputError(f"{source.name}: not XML ({error})") from error
    except OSError as error:
        raise InputError(f"{source.name}: cannot be read: {error.strerror}") from error
    if root.tag != "annotation":
        raise InputError(f"{source.name}: not a PASCAL VOC annotation: its root is <{root.tag}>")
    return root


def _example(id: str, source: _File, root: Element, tree: _Tree, problems: Problems) -> Optional[Example]:
    picture = tree.picture(source, _text(root, "filename"))
    try:
        info = pictures.inspect(picture.path)
    except InputError as error:
        raise InputError(str(error).replace(str(picture.path), str(picture.name))) from error
    orientation = _orientation(source, root, picture, info)
    width, height = pictures.turned_size(info.width, info.height, orientation)
    boxes = []
    objects = root.findall("object")
    for number, element in enumerate(objects, 1):
        try:
            boxes.append(_labelled_box(element, width, height, picture.name))
        except ValueError as error:
            problems.box(f"{source.name}: box {number} {error}")
    if objects and not boxes:
        problems.note(f"{source.name}: left out, for none of its boxes can be used")
        return None
    return Example(id, picture.path, width, height, tuple(boxes), orientation)


def _orientation(source: _File, root: Element, picture: _File, info: pictures.PictureInfo) -> int:
    """The EXIF orientation that makes the stored pixels those the boxes were drawn on."""
    size = root.find("size")
    said = tuple(_number(size, side) for side in ("width", "height")) if size is not None else (0, 0)
    # Some tools leave the size out or write zeros; the boxes are then checked against the picture.
    if not any(said) or said == info.displayed_size:
        return info.orientation
    if said == (info.width, info.height):
        return 1
    width, height = info.displayed_size
    raise InputError(
        f"{source.name}: says {said[0]:g} x {said[1]:g}, but {picture.name} is {width} x {height}"
    )


def _labelled_box(element: Element, width: int, height: int, picture: Path) -> LabelledBox:
    """Raises ValueError, saying what is wrong with the box."""
    label = " ".join(_text(element, "name").split())
    if not label:
        raise ValueError("has no name")
    bounds = element.find("bndbox")
    if bounds is None:
        raise ValueError("has no <bndbox>")
    values = {}
    for side in ("xmin", "ymin", "xmax", "ymax"):
        if not _text(bounds, side):
            raise ValueError(f"has no <{side}>")
        values[side] = _number(bounds, side)
        if not math.isfinite(values[side]):
            raise ValueError(f"has {side}={_text(bounds, side)}, which is not a number of pixels")
    box = Box(**values)
    for side, value, limit, extent in (("x", box.xmax, width, "wide"), ("y", box.ymax, height, "high")):
        if value > limit + _OFF_BY_ONE:
            raise ValueError(f"ends at {side}={value:g}, but {picture} is {limit} {extent}")
    for side, value in (("x", box.xmin), ("y", box.ymin)):
        if value < -_OFF_BY_ONE:
            raise ValueError(f"starts at {side}={value:g}, outside {picture}")
    box = Box(max(box.xmin, 0.0), max(box.ymin, 0.0), min(box.xmax, float(width)), min(box.ymax, float(height)))
    if box.area <= 0:
        raise ValueError("has no area (xmin={xmin:g} ymin={ymin:g} xmax={xmax:g} ymax={ymax:g})".format(**values))
    return LabelledBox(label, box, _text(element, "difficult") == "1", _text(element, "truncated") == "1")


def _text(element: Element, tag: str) -> str:
    return (element.findtext(tag) or "").strip()


def _number(element: Element, tag: str) -> float:
    """The number in `tag`; NaN where there is none."""
    try:
        return float(_text(element, tag))
    except ValueError:
        return math.nan
