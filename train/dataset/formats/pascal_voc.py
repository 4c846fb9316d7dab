"""PASCAL VOC: one XML file an image.

Read in the layouts that people have: `annotations/` and `images/`; `Annotations/`, `JPEGImages/` and
`ImageSets/Main/*.txt`; images and XML side by side, also below `train/`, `valid/`, `test/`; or
`annotations.zip` and `images.zip` in one folder.

The boxes' numbers are taken as they are: tools disagree on whether the first pixel is 0 or 1, and the
files do not say.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Optional
from xml.etree.ElementTree import Element

from runtime.common.errors import InputError
from train.dataset.examples.assembly import Assembler, Canvas, labelled_box
from train.dataset.examples.example import Example, LabelledBox
from train.dataset.examples.image_files import File, quoted
from train.dataset.examples.problems import Problems
from train.dataset.formats import Splits
from train.dataset.formats._voc_files import VocFiles, looks_like_voc
from train.files import untrusted_xml

_SIDES = ("xmin", "ymin", "xmax", "ymax")


def accepts(folder: Path) -> bool:
    """Whether there is an XML file anywhere in `folder`, or a zip file named `annotations.zip`."""
    return looks_like_voc(folder)


def read(folder: Path) -> Splits:
    """Reads and checks the annotations below `folder` and the images that they belong to.

    Raises InputError where there are none, or where too many are bad.
    """
    files = VocFiles(folder)
    if not files.annotations:
        raise InputError(f"{folder}: no XML file in it; give the folder with the annotations and the images")
    problems = Problems()
    train, validation = files.splits(problems)
    assembler = Assembler(problems)
    examples = {}
    for id in dict.fromkeys((*train, *(validation or ()))):
        source = files.annotations[id]
        try:
            examples[id] = _read(id, source, files, assembler)
        except InputError as error:
            problems.add_file(str(error))
            examples[id] = None
    lines = problems.check_limits(str(folder), len(examples), assembler.boxes)
    return Splits(
        tuple(example for id in train if (example := examples[id])),
        None if validation is None else tuple(example for id in validation if (example := examples[id])),
        lines,
    )


def _read(id: str, source: File, files: VocFiles, assembler: Assembler) -> Optional[Example]:
    name = str(source.name)
    root = untrusted_xml.read(source.path, name)
    if root.tag != "annotation":
        raise InputError(f"{name}: not a PASCAL VOC annotation: its root is <{str(root.tag)[:40]}>")
    objects = [(f"{name}: box {number}", item) for number, item in enumerate(root.findall("object"), 1)]
    image = files.image(source, _text(root, "filename"))
    canvas = assembler.canvas(image, name, _size(root, name))
    return assembler.example(id, canvas, name, objects, lambda element: _box(element, canvas))


def _size(root: Element, name: str) -> Optional[tuple[float, float]]:
    size = root.find("size")
    if size is None:
        return None
    declared = _number(size, "width"), _number(size, "height")
    if any(declared) and not all(map(math.isfinite, declared)):
        raise InputError(f"{name}: its <size> has no <width> and <height> that are numbers")
    return declared


def _box(element: Element, canvas: Canvas) -> LabelledBox:
    """Raises ValueError, saying what is wrong with the box."""
    label = _text(element, "name")
    if not label:
        raise ValueError("has no <name>")
    bounds = element.find("bndbox")
    if bounds is None:
        raise ValueError("has no <bndbox>")
    texts = [bounds.findtext(tag) or "" for tag in _SIDES]
    try:
        sides = tuple(map(float, texts))
        if not all(map(math.isfinite, sides)):
            raise ValueError
    except ValueError:
        raise ValueError(_wrong_side(texts)) from None
    return labelled_box(canvas, label, sides, _text(element, "difficult") == "1", _text(element, "truncated") == "1")


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
    """The number in `tag`; NaN where there is none."""
    try:
        return float(_text(element, tag))
    except ValueError:
        return math.nan
