"""One image's PASCAL VOC annotation, as a person corrects it: what is shown of it, and what a correction makes of it.

What the page does not know is kept: elements of an object (`pose`, `difficult`), of the annotation (`source`,
`collected`), and objects that have no box.
"""

from __future__ import annotations

import copy
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from runtime.common.errors import InputError
from train.dataset.examples.assembly import MAX_LABEL_LENGTH
from train.dataset.writers.pascal_voc import annotation
from train.files import untrusted_bytes, untrusted_xml

# Far more than anyone draws by hand; it keeps a page usable.
MOST_BOXES = 2000
# The version of an annotation that does not exist yet.
NONE = "none"

_SIDES = ("xmin", "ymin", "xmax", "ymax")
# An annotation with 2,000 boxes has 1 MB.
_MOST_BYTES = 4 << 20
# Sides are written with two decimals.
_SAME = 0.006
# A box that is thinner, in pixels, is a slip of the hand.
_THINNEST = 1.0

Sides = tuple[float, float, float, float]


@dataclass(frozen=True)
class Shown:
    """A box on the page: its class, its sides xmin, ymin, xmax, ymax in pixels, and the detector's score, if it is one's.

    `key` names the element that it comes from, empty for a new box. A `suggested` box counts only once it is taken.
    """

    key: str
    label: str
    box: Sides
    score: Optional[float] = None
    suggested: bool = False


@dataclass
class Annotation:
    """An annotation as it was read. `version` is the SHA-256 of its bytes; `size` is (width, height) in pixels or None."""

    root: Element
    version: str
    data: bytes
    size: Optional[tuple[int, int]]
    threshold: float
    boxes: list[Shown] = field(default_factory=list)
    hidden: int = 0

    @property
    def verified(self) -> bool:
        """Whether a person has confirmed it. LabelImg writes the same attribute."""
        return self.root.get("verified") == "yes"

    @property
    def edited(self) -> bool:
        """Whether a person has changed it."""
        return self.root.get("edited") == "yes"

    @property
    def doubt(self) -> float:
        """How much there is to look at, in 0..1: of the least sure box, or what it was collected for.

        An annotation that was saved keeps what it had before, so that the order of the images stays.
        """
        noted = _number(_text(self.root, "doubt"))
        if noted is not None:
            return noted
        scores = [item.score for item in self.boxes if item.score is not None]
        worth = _number(self.root.findtext("collected/worth")) or 0.0
        return max([worth, *(1.0 - abs(2.0 * score - 1.0) for score in scores)])


def read(path: Path, name: str, threshold: float) -> Annotation:
    """Reads the annotation at `path`; an empty one where there is no file. Error messages call it `name`.

    Boxes with scores below `threshold` are suggestions; a collected image brings the threshold of its detector. Raises
    InputError where the file is no annotation.
    """
    if not path.exists():
        return Annotation(Element("annotation"), NONE, b"", None, threshold)
    # The bytes first: if another program writes in between, the version is the older one, and a save is refused.
    data = untrusted_bytes.read(path, name, _MOST_BYTES, "an annotation")
    root = untrusted_xml.read(path, name, _MOST_BYTES)
    if str(root.tag).rpartition("}")[2].lower() != "annotation":
        raise InputError(f"{name}: not a PASCAL VOC annotation: its root is <{str(root.tag)[:40]}>")
    given = _number(root.findtext("collected/threshold"))
    found = Annotation(root, version_of(data), data, _size(root), threshold if given is None else given)
    for element in _objects(root):
        shown = _shown(element, found.threshold)
        if shown is None:
            found.hidden += 1
        else:
            found.boxes.append(shown)
    # What a person has confirmed has no suggestions left.
    for element in () if found.verified else root.findall("collected/candidate"):
        shown = _shown(element, 2.0)
        if shown is not None and element.get("decided") is None:
            found.boxes.append(shown)
    return found


def version_of(data: bytes) -> str:
    """The version of an annotation with these bytes."""
    return hashlib.sha256(data).hexdigest()


def elements(found: Annotation) -> dict[str, Element]:
    """The elements of the boxes that are shown, by their keys."""
    every = [*_objects(found.root), *found.root.findall("collected/candidate")]
    return {_key(element): copy.deepcopy(element) for element in every}


def boxes_of(given: Any, size: tuple[int, int]) -> list[Shown]:
    """The boxes that the page sent as JSON, cut to the image of `size`. Raises InputError where they are none."""
    if not isinstance(given, list) or len(given) > MOST_BOXES:
        raise InputError(f"boxes: not a list of at most {MOST_BOXES} boxes")
    return [_box_of(item, f"box {number}", size) for number, item in enumerate(given, 1)]


def corrected(
    found: Annotation, boxes: Sequence[Shown], known: dict[str, Element], verified: bool, filename: str, size: tuple[int, int]
) -> bytes:
    """The XML of `found` with `boxes` for those that it had, for the image `filename` of `size` (width, height).

    `known` are elements by key, of this and of earlier versions. With `verified`, suggestions and scores end.
    """
    root = copy.deepcopy(found.root) if found.version != NONE else _new(filename, size)
    if root.find("doubt") is None:
        ElementTree.SubElement(root, "doubt").text = f"{found.doubt:.4f}"
    shown = [element for element in _objects(root) if _shown(element, 0.0) is not None]
    place = next((index for index, child in enumerate(root) if child in _objects(root)), len(root))
    for element in shown:
        root.remove(element)
    for item in boxes:
        # A key that nobody knows any more is of a page that has outlived its server.
        original = known.get(item.key, next((element for element in shown if _says(element, item)), None))
        is_candidate = original is not None and str(original.tag) == "candidate"
        if item.suggested:
            if verified or is_candidate or original is None:
                continue
            root.insert(place, copy.deepcopy(original))
        else:
            root.insert(place, _element(item, None if is_candidate else original, found.threshold, verified))
        place += 1
    waiting = {item.key for item in boxes if item.suggested}
    for element in root.findall("collected/candidate"):
        if verified or _key(element) not in waiting:
            element.set("decided", "yes")
        else:
            element.attrib.pop("decided", None)
    root.set("edited", "yes")
    if verified:
        root.set("verified", "yes")
    else:
        root.attrib.pop("verified", None)
    ElementTree.indent(root)
    made: bytes = ElementTree.tostring(root, encoding="utf-8")
    return made


def _element(item: Shown, original: Optional[Element], threshold: float, verified: bool) -> Element:
    if original is None:
        element, before = Element("object"), None
        for tag, text in (("name", ""), ("truncated", "0"), ("difficult", "0")):
            ElementTree.SubElement(element, tag).text = text
        bounds = ElementTree.SubElement(element, "bndbox")
        for tag in _SIDES:
            ElementTree.SubElement(bounds, tag)
    else:
        element = copy.deepcopy(original)
        before = _shown(element, threshold)
    same = original is not None and _says(original, item)
    if not same:
        _set(element, "name", item.label)
        for tag, side in zip(_SIDES, item.box):
            _set(_child(element, "bndbox"), tag, f"{side:.2f}".rstrip("0").rstrip("."))
    if verified or not same or (before is not None and before.suggested):
        for child in _children(element, "score"):
            element.remove(child)
    return element


def _says(element: Element, item: Shown) -> bool:
    """Whether an element has the class and the sides of `item`."""
    found = _shown(element, 0.0)
    if found is None or found.label != item.label:
        return False
    return all(abs(one - other) < _SAME for one, other in zip(found.box, item.box))


def _new(filename: str, size: tuple[int, int]) -> Element:
    root = ElementTree.fromstring(annotation(filename, size, ()))
    folder = root.find("folder")
    if folder is not None:
        root.remove(folder)
    return root


def _box_of(item: Any, where: str, size: tuple[int, int]) -> Shown:
    if not isinstance(item, dict):
        raise InputError(f"{where}: not an object")
    key, label, sides = item.get("key"), item.get("label"), item.get("box")
    if not isinstance(key, str) or len(key) > 100 or not isinstance(item.get("suggested"), bool):
        raise InputError(f"{where}: needs key and suggested")
    if not isinstance(label, str) or not 0 < len(label.strip()) <= MAX_LABEL_LENGTH or not label.isprintable():
        raise InputError(f"{where}: a class has 1 to {MAX_LABEL_LENGTH} printable characters")
    if not isinstance(sides, list) or len(sides) != 4:
        raise InputError(f"{where}: box is not xmin, ymin, xmax, ymax")
    if not all(type(side) in (int, float) and math.isfinite(side) for side in sides):
        raise InputError(f"{where}: has a side that is not a number of pixels")
    width, height = size
    xmin, xmax = (round(min(max(float(side), 0.0), width), 2) for side in (sides[0], sides[2]))
    ymin, ymax = (round(min(max(float(side), 0.0), height), 2) for side in (sides[1], sides[3]))
    if xmax - xmin < min(_THINNEST, width) or ymax - ymin < min(_THINNEST, height):
        raise InputError(f"{where}: is thinner than {_THINNEST:g} pixel within the image")
    return Shown(key, label.strip(), (xmin, ymin, xmax, ymax), None, item["suggested"])


def _shown(element: Element, threshold: float) -> Optional[Shown]:
    """The box of an object or candidate; None where it has no class or no box."""
    label = _text(element, "name")
    bounds = next(iter(_children(element, "bndbox")), None)
    if not label or len(label) > MAX_LABEL_LENGTH or not label.isprintable() or bounds is None:
        return None
    sides = [_number(_text(bounds, tag)) for tag in _SIDES]
    xmin, ymin, xmax, ymax = sides
    if xmin is None or ymin is None or xmax is None or ymax is None:
        return None
    score = _number(_text(element, "score"))
    box = (min(xmin, xmax), min(ymin, ymax), max(xmin, xmax), max(ymin, ymax))
    return Shown(_key(element), label, box, score, score is not None and score < threshold)


def _key(element: Element) -> str:
    # Of the texts, since a file that is indented anew says the same.
    said = [(str(part.tag), (part.text or "").strip()) for part in element.iter()]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:24]


def _objects(root: Element) -> list[Element]:
    return _children(root, "object")


def _children(element: Element, tag: str) -> list[Element]:
    """The children of that name, in any case and namespace, as tools write it."""
    return [child for child in element if str(child.tag).rpartition("}")[2].lower() == tag]


def _child(element: Element, tag: str) -> Element:
    found = _children(element, tag)
    return found[0] if found else ElementTree.SubElement(element, tag)


def _set(element: Element, tag: str, text: str) -> None:
    _child(element, tag).text = text


def _text(element: Element, tag: str) -> str:
    return next((child.text or "" for child in _children(element, tag)), "").strip()


def _number(text: Optional[str]) -> Optional[float]:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _size(root: Element) -> Optional[tuple[int, int]]:
    sizes = _children(root, "size")
    width, height = (_number(_text(sizes[0], tag)) if sizes else None for tag in ("width", "height"))
    return None if width is None or height is None else (round(width), round(height))
