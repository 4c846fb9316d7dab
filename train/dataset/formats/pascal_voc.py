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
    """Returns the box of an `object` element. Raises ValueError with the fault if it is bad."""
    label = _text(element, "name")
    if not label:
        raise ValueError("has no <name>")
    bounds = element.find("bndbox")
    if bounds is None:
        raise ValueError("has no <bndbox>")
    texts = [bounds.findtext(tag) or "" for tag in _SIDES]
    try:
        xmin, ymin, xmax, ymax = map(float, texts)
        if not all(map(math.isfinite, (xmin, ymin, xmax, ymax))):
            raise ValueError
    except ValueError:
        raise ValueError(_wrong_side(texts)) from None
    difficult, truncated = _text(element, "difficult") == "1", _text(element, "truncated") == "1"
    return labelled_box(canvas, label, (xmin, ymin, xmax, ymax), difficult, truncated)


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
