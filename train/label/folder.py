"""The images of a folder with their PASCAL VOC annotations: which there are, and their corrections, written as one goes."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional
from xml.etree.ElementTree import Element

from runtime.common.errors import InputError
from runtime.common.files import atomic_path
from runtime.common.values import Labels
from train.dataset.examples import image_files, image_info, images
from train.label import voc_file
from train.label.voc_file import Annotation

# As `train.label --to pascal_voc` names it.
CLASSES = "predefined_classes.txt"

_IMAGE_FOLDERS = ("images", "jpegimages")
_ANNOTATION_FOLDERS = ("annotations", "Annotations")
# Elements of images that are open in the page; the oldest are forgotten.
_KNOWN_IMAGES = 500


class ConflictError(Exception):
    """The annotation is not the one that the page began with."""


@dataclass(frozen=True)
class Item:
    """An image and the place of its annotation, which may not exist yet. `name` is relative to the folder."""

    name: str
    image: Path
    xml: Path


@dataclass(frozen=True)
class Correction:
    """What a page sent: the version that it began with, itself, the number of its change, and the boxes as JSON."""

    version: str
    writer: str
    sequence: int
    verified: bool
    boxes: Any

    @classmethod
    def parse(cls, given: Any) -> Correction:
        """Checks the types of what was sent. Raises InputError."""
        kinds = (("version", str), ("writer", str), ("sequence", int), ("verified", bool))
        if not isinstance(given, dict) or any(type(given.get(name)) is not kind for name, kind in kinds):
            raise InputError("needs version, writer, sequence, verified and boxes")
        return cls(**{name: given[name] for name, _ in kinds}, boxes=given.get("boxes"))


class Folder:
    """Reads and writes the annotations of the images below `path`. Safe to use from several threads.

    Only images that were found in the folder are opened, by the names that `listed` gave them. Links that lead out of it are
    left out.
    """

    def __init__(self, path: Path, classes: Sequence[str], threshold: float) -> None:
        """Boxes with scores below `threshold` are suggestions. Raises InputError where there are no images."""
        if not path.is_dir():
            raise InputError(f"{path}: no such folder")
        self.path = path
        self._classes = tuple(classes)
        self._threshold = threshold
        self._lock = threading.Lock()
        self._known: OrderedDict[str, dict[str, Element]] = OrderedDict()
        # Of each image: which page wrote it last, the number of its change, and the version that came of it.
        self._written: dict[str, tuple[str, int, str]] = {}
        self._told: set[str] = set()
        self._items = self._find()
        if not self._items:
            raise InputError(
                f"{path}: no images in it; give a folder with images/ and annotations/, or images beside their XML"
            )

    def listed(self) -> dict[str, Any]:
        """What the page lists, for JSON: the classes, and the images with the most doubtful first."""
        with self._lock:
            self._items = self._find()
        listed, seen = [], Counter[str]()
        for item in self._items.values():
            try:
                found = voc_file.read(item.xml, _shown(item.xml, self.path), self._threshold)
            except InputError as error:
                listed.append((0.0, {"name": item.name, "state": "error", "boxes": 0, "error": str(error)}))
                continue
            seen.update(box.label for box in found.boxes)
            boxes = sum(not box.suggested for box in found.boxes)
            entry = {"name": item.name, "state": _state(found), "boxes": boxes, "doubt": round(found.doubt, 3)}
            listed.append((found.doubt, entry))
        listed.sort(key=lambda pair: (-pair[0], pair[1]["name"]))
        classes = [*self._classes, *sorted(set(seen) - set(self._classes))]
        place = hashlib.sha256(os.fsencode(self.path.resolve())).hexdigest()[:16]
        return {"folder": self.path.resolve().name, "id": place, "classes": classes, "images": [entry for _, entry in listed]}

    def open(self, name: str) -> dict[str, Any]:
        """The boxes of an image, for JSON. Raises KeyError where there is none, InputError where it cannot be read."""
        item = self._items[name]
        with self._lock:
            found = self._read(item)
        width, height = self._seen_size(item, found)[:2]
        return {**_described(found), "width": width, "height": height}

    def image(self, name: str) -> tuple[bytes, str]:
        """The image upright as its boxes were drawn, and its format, "jpeg" or "png". Raises as `open`."""
        item = self._items[name]
        width, height, orientation = self._seen_size(item, self._read(item, remember=False))
        return images.encoded_bytes(image_info.read_bytes(item.image, name), name, (width, height), orientation)

    def save(self, name: str, correction: Correction) -> dict[str, Any]:
        """Writes a correction; returns what `open` does, with the state. Raises as it, and ConflictError.

        A page's later change may come first, or before it has heard of its earlier one: of one page, the latest counts.
        """
        item = self._items[name]
        with self._lock:
            found = self._read(item)
            width, height, _ = self._seen_size(item, found)
            boxes = voc_file.boxes_of(correction.boxes, (width, height))
            data = voc_file.corrected(
                found, boxes, self._known[name], correction.verified, item.image.name, (width, height)
            )
            writer, sequence, version = self._written.get(name, ("", 0, ""))
            own = writer == correction.writer and version == found.version
            if own and correction.sequence <= sequence:
                return {**_described(found), "width": width, "height": height, "superseded": True}
            if data != found.data:
                if correction.version != found.version and not own:
                    raise ConflictError(f"{name} was changed in another tab or by another program since it was opened here")
                _write(item.xml, data)
            self._written[name] = (correction.writer, correction.sequence, voc_file.version_of(data))
            found = self._read(item)
        return {**_described(found), "width": width, "height": height}

    def _read(self, item: Item, remember: bool = True) -> Annotation:
        found = voc_file.read(item.xml, _shown(item.xml, self.path), self._threshold)
        if remember:
            self._known.setdefault(item.name, {}).update(voc_file.elements(found))
            self._known.move_to_end(item.name)
            while len(self._known) > _KNOWN_IMAGES:
                self._known.popitem(last=False)
        return found

    def _seen_size(self, item: Item, found: Annotation) -> tuple[int, int, int]:
        """(width, height, EXIF orientation) of the image as its boxes were drawn: upright, if the annotation agrees."""
        info = image_info.inspect(item.image, item.name)
        if found.size == (info.width, info.height) != info.displayed_size:
            return info.width, info.height, 1
        return (*info.displayed_size, info.orientation)

    def _find(self) -> dict[str, Item]:
        root = self.path.resolve()
        found: dict[str, Item] = {}
        taken: set[Path] = set()
        for file in image_files.walk(self.path):
            if file.suffix not in image_info.SUFFIXES:
                continue
            item = Item(file.name.as_posix(), file.path, self.path / _annotation(self.path, file.name))
            if not all(path.resolve().is_relative_to(root) for path in (item.image, item.xml)):
                self._tell(f"{item.name}: left out: it, or its annotation, is a link that leads out of the folder")
            elif item.xml in taken:
                self._tell(f"{item.name}: left out: another image has the same annotation, {_shown(item.xml, self.path)}")
            else:
                taken.add(item.xml)
                found[item.name] = item
        return found

    def _tell(self, note: str) -> None:
        if note not in self._told:
            self._told.add(note)
            print(f"note: {note}", file=sys.stderr)


def read_classes(folder: Path, given: Optional[str]) -> tuple[str, ...]:
    """The classes of the file `given`, else of those that `train.label` has written into `folder`, if it has."""
    path = Path(given) if given else folder / CLASSES
    return Labels.read(path).names if given or path.is_file() else ()


def _annotation(folder: Path, image: Path) -> Path:
    """Where the annotation of an image is, or will be, relative to `folder`."""
    beside = image.with_suffix(".xml")
    for index, part in enumerate(image.parts[:-1]):
        if part.lower() in _IMAGE_FOLDERS:
            places = [Path(*image.parts[:index], name, *beside.parts[index + 1 :]) for name in _ANNOTATION_FOLDERS]
            # A folder that is there by another case is the one that is meant.
            there = [place for place in places if (folder / Path(*image.parts[:index]) / place.parts[index]).is_dir()]
            mirrored = (there or places)[0]
            return beside if (folder / beside).exists() and not (folder / mirrored).exists() else mirrored
    return beside


def _state(found: Annotation) -> str:
    return "confirmed" if found.verified else "changed" if found.edited else "open"


def _described(found: Annotation) -> dict[str, Any]:
    boxes = [
        {"key": item.key, "label": item.label, "box": item.box, "score": item.score, "suggested": item.suggested}
        for item in found.boxes
    ]
    return {"version": found.version, "state": _state(found), "boxes": boxes, "hidden": found.hidden}


def _shown(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _write(path: Path, data: bytes) -> None:
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
