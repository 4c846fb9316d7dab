"""LabelMe (https://github.com/wkentaro/labelme) and tools with its format: a JSON file per image with its shapes.

A shape is a rectangle of two points, a polygon, a circle (center and a point of its edge) or a mask (its box is used).
Lines and points have no box and are left out. Where an image file is missing, the copy in `imageData` is used. X-AnyLabeling and labelme2coco write the same files.
"""

from __future__ import annotations

import base64
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Optional

from runtime.common.errors import InputError
from train.dataset.examples.assembly import Canvas
from train.dataset.examples.evidence import by_evidence
from train.dataset.examples.image_files import File, ImageFiles, quoted, walk
from train.dataset.examples.image_info import SUFFIXES
from train.dataset.examples.problems import Problems
from train.dataset.examples.split_names import split_of_folder
from train.dataset.formats import Score, Splits
from train.dataset.formats._record_images import RecordImages
from train.dataset.tools import entries, json_files, shapes
from train.dataset.tools.entries import Entry, Item
from train.dataset.tools.json_files import text
from train.files import untrusted_json

# Of a long file only both ends are looked at: with many points or with a copy of the image, some of its keys are in between.
_IMAGE_KEYS = frozenset(("imagePath", "imageData", "imageHeight", "imageWidth"))
_SHAPE_KEYS = frozenset(("label", "points"))
_UNUSED = frozenset(("flags", "lineColor", "fillColor", "line_color", "fill_color", "mask", "description"))
# By the number of points that a shape of that type may have; the first versions had polygons alone and wrote no type.
_BOXED = {"rectangle": 2, "polygon": 3, "mask": 2, "rotation": 4, "circle": 2, "": 3}


def score(folder: Path) -> Optional[Score]:
    """Returns how many images have a LabelMe file of their name; None if there is no such file."""
    files = list(walk(folder))
    found = _sources(files)
    if not found:
        return None
    images = ImageFiles(files, str(folder)).count_named(file.name.stem for file in found)
    reason = f"JSON files with shapes, such as {found[0].name}"
    # Without image files the images may be those inside the JSON files.
    return Score(images or len(found), len(found), reason=reason, inside=not images)


@by_evidence
def read(folder: Path) -> Splits:
    """Reads and checks the JSON files below `folder` and their images.

    Raises InputError if there are none, or if too many are bad.
    """
    files = list(walk(folder))
    found = _sources(files)
    if not found:
        raise InputError(f"{folder}: no JSON file of LabelMe in it; give the folder with the JSON files and the images")
    problems = Problems()
    images = _Images(ImageFiles(files, str(folder)))
    made = list(_entries(found, images, problems))
    if images.kept:
        problems.add_note(f"taken out of the JSON files (imageData), as no image files of these names are there: {len(images.kept)} images")
    train, validation, lines, test = entries.read(folder, [*files, *images.kept], made, _sides, problems)
    return Splits(train, validation, lines, test=test)


def _sources(files: list[File]) -> list[File]:
    return [file for file in files if _is_ours(json_files.keys(file))]


def _is_ours(keys: frozenset[str]) -> bool:
    of_shapes = keys >= _SHAPE_KEYS
    if "shapes" in keys:
        return of_shapes or bool(keys & _IMAGE_KEYS)
    # The size of the image is also among the points of other tools.
    return of_shapes and "imageData" in keys


class _Images:
    """The image files of a data set, and the copies in JSON files whose images are not there, kept in the cache."""

    def __init__(self, files: ImageFiles) -> None:
        self._files = files
        self.kept: list[File] = []

    def keep(self, file: File, written: tuple[str, ...], data: object) -> None:
        """Writes the copy in `file`, `data` in base64, to the cache if no image of the names `written` is there."""
        if not isinstance(data, str) or not data or any(map(self._files.has, written)):
            return
        try:
            stored = base64.b64decode(data, validate=True)
        except ValueError:
            return
        path = RecordImages(file).keep(memoryview(stored), f"{file.name.stem}{_suffix(written[0])}", len(self.kept))
        self.kept.append(File(path, file.name.parent / path.name))


def _suffix(written: str) -> str:
    suffix = PurePosixPath(written).suffix
    return suffix if suffix.lower() in SUFFIXES else ""


def _entries(found: list[File], images: _Images, problems: Problems) -> Iterator[Entry | InputError]:
    skipped: Counter[str] = Counter()
    for file in found:
        try:
            yield _entry(file, images, skipped)
        except InputError as error:
            yield error
    entries.note_skipped(skipped, problems)


def _entry(file: File, images: _Images, skipped: Counter[str]) -> Entry:
    name = str(file.name)
    data = untrusted_json.read(file.path, name, without=_UNUSED)
    if not isinstance(data, dict) or not isinstance(data.get("shapes"), list):
        raise InputError(f"{name}: not a file of LabelMe: it has no list of shapes")
    items = []
    for number, shape in enumerate(json_files.dicts(data["shapes"]), 1):
        if text(shape.get("shape_type")) in _BOXED:
            items.append(Item(f"{name}: shape {number}", text(shape.get("label")), shape))
        else:
            skipped[quoted(shape.get("shape_type"))] += 1
    written = text(data.get("imagePath")), file.name.stem
    images.keep(file, written, data.get("imageData"))
    unboxed = len(items) < len(data["shapes"])
    return Entry(name, file.name, written, tuple(items), _size(data), split_of_folder(file.name), unboxed)


def _size(data: dict[str, Any]) -> Optional[tuple[float, float]]:
    try:
        return json_files.number(data.get("imageWidth"), "width"), json_files.number(data.get("imageHeight"), "height")
    except ValueError:
        return None


def _sides(shape: dict[str, Any], _: Canvas) -> shapes.Sides:
    points = shapes.pairs(shape.get("points"))
    kind = text(shape.get("shape_type"))
    if len(points) < _BOXED[kind]:
        raise ValueError(f"has {len(points)} points, too few for a {kind or 'polygon'}")
    if kind == "circle":
        (cx, cy), edge = points[:2]
        radius = math.dist((cx, cy), edge)
        return shapes.ellipse(cx, cy, radius, radius)
    return shapes.around(points)
