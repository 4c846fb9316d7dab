"""The annotation of a collected image: PASCAL VOC, with what chose it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Optional, Tuple
from xml.etree import ElementTree

from runtime.collect.moment import Moment
from runtime.common.values import Detection

# An annotation of a few hundred boxes has less.
_MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class Origin:
    """Where a collected image comes from: the camera, the SHA-256 of the model, and the time in seconds since 1970.

    `chosen` are the names of the choices that picked it, and `worth` is in 0..1. `fingerprint` is its perceptual hash.
    `number` counts what was picked without bias, from 1; 0 is for others.
    """

    camera: str
    model: str
    time: float
    chosen: Tuple[str, ...]
    worth: float
    fingerprint: int = 0
    number: int = 0


def text(filename: str, moment: Moment, origin: Origin) -> bytes:
    """The annotation of the image `filename` as XML.

    Detections are VOC's objects, with their scores; candidates are elements of their own, which label tools don't read.
    Boxes are in pixels, as everywhere in the kit.
    """
    root = ElementTree.Element("annotation")
    _add(root, "folder", "images")
    _add(root, "filename", filename)
    height, width = moment.frame.image.shape[:2]
    size = ElementTree.SubElement(root, "size")
    for tag, value in zip(("width", "height", "depth"), (width, height, 3)):
        _add(size, tag, value)
    _add_boxes(root, "object", moment.detections)
    collected = ElementTree.SubElement(root, "collected")
    _add(collected, "chosen", ",".join(origin.chosen))
    _add(collected, "worth", f"{origin.worth:.4f}")
    _add(collected, "camera", origin.camera)
    _add(collected, "model", origin.model)
    _add(collected, "time", f"{origin.time:.3f}")
    _add(collected, "threshold", f"{moment.score:g}")
    _add(collected, "fingerprint", f"{origin.fingerprint:016x}")
    if origin.number:
        _add(collected, "number", origin.number)
    _add(collected, "objects", _seal(root))
    _add_boxes(collected, "candidate", moment.candidates)
    made: bytes = ElementTree.tostring(root, encoding="utf-8")
    return made


def read(path: Path) -> Optional[Origin]:
    """The origin that an annotation names; None where it is damaged, none of `text`'s, or a person's work.

    `train.label --serve` marks what a person has changed with edited="yes" and, as LabelImg does, what a person has
    confirmed with verified="yes". Objects that any other tool has changed no longer match their checksum.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            return None
        data = path.read_bytes()
        # Nothing that is written here has a document type, whose entities could expand without end.
        if b"<!" in data:
            return None
        root = ElementTree.fromstring(data)
        found = root.find("collected")
        if found is None or "yes" in (root.get("verified"), root.get("edited")):
            return None
        if found.findtext("objects", _seal(root)) != _seal(root):
            return None
        return Origin(
            found.findtext("camera", ""),
            found.findtext("model", ""),
            float(found.findtext("time", "")),
            tuple(filter(None, found.findtext("chosen", "").split(","))),
            min(max(float(found.findtext("worth", "")), 0.0), 1.0),
            int(found.findtext("fingerprint", "0"), 16),
            int(found.findtext("number", "0")),
        )
    except (OSError, ValueError, ElementTree.ParseError):
        return None


def _seal(root: ElementTree.Element) -> str:
    """A checksum of the objects, whatever the white space between them."""
    values = (f"{part.tag}={(part.text or '').strip()}" for item in root.findall("object") for part in item.iter())
    return hashlib.sha256("\n".join(values).encode()).hexdigest()[:16]


def _add_boxes(parent: ElementTree.Element, tag: str, found: Iterable[Detection]) -> None:
    for item in found:
        element = ElementTree.SubElement(parent, tag)
        _add(element, "name", item.label)
        _add(element, "score", f"{item.score:.4f}")
        if item.track is not None:
            _add(element, "track", item.track)
        bounds = ElementTree.SubElement(element, "bndbox")
        for side, value in zip(("xmin", "ymin", "xmax", "ymax"), item.box.as_tuple()):
            _add(bounds, side, f"{value:.2f}")


def _add(parent: ElementTree.Element, tag: str, value: object) -> None:
    ElementTree.SubElement(parent, tag).text = "".join(sign for sign in str(value) if sign.isprintable())
