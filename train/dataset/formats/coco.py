"""COCO JSON (https://cocodataset.org/#format-data): a file for all images of a split.

Reads the official layout (`annotations/instances_train2017.json`, `train2017/`), Roboflow's
(`train/_annotations.coco.json` beside the images, `valid/`, `test/`), and a single file for all images.
Images may lie anywhere in the folder. Classes keep the order of the categories' ids. A category that only
groups others and has no box, such as the one that Roboflow adds with id 0, is not a class.
"""

from __future__ import annotations

import mmap
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

from runtime.common.errors import InputError
from train.dataset.examples.assembly import Assembler, labelled_box
from train.dataset.examples.evidence import by_evidence
from train.dataset.examples.example import Example, LabelledBox
from train.dataset.examples.image_files import File, ImageFiles, quoted, unique_ids, walk, with_siblings
from train.dataset.examples.problems import Problems
from train.dataset.examples.split_names import split_of
from train.dataset.examples.splits import assign_splits, by_split, group_by_split
from train.dataset.formats import Score, Splits
from train.files import untrusted_json

# The order of a file's lists differs between tools, so both ends of the file are examined.
_PEEK_BYTES = 1 << 20
_LISTS = re.compile(rb'"(images|annotations|categories)"\s*:')
_FILE_NAME = re.compile(rb'"file_name"\s*:\s*"([^"\\]{1,1000})"')

# Segmentations are the largest part of such a file and are not used.
_UNUSED = frozenset(("segmentation", "keypoints", "caption"))


def score(folder: Path) -> Optional[Score]:
    """Returns how many images the JSON files below `folder` name; None if none has at least two of COCO's lists."""
    files = list(walk(folder))
    sources = [file for file in files if _looks_like_coco(file)]
    if not sources:
        return None
    names = {written for source in sources for written in _file_names(source)}
    images = ImageFiles(files, str(folder))
    return Score(images.count_named(names), len(sources), reason=f"{sources[0].name} has COCO's lists")


@by_evidence
def read(folder: Path) -> Splits:
    """Reads and checks the JSON files below `folder` and their images.

    Raises InputError if there are none, or if too many are bad.
    """
    files = list(walk(folder))
    sources = _sources(files)
    if not sources:
        raise InputError(f"{folder}: no COCO JSON file in it; give the folder with the JSON files and the images")
    problems = Problems()
    images = ImageFiles(files, str(folder))
    parts = [_Part(source, images, problems) for source in sources]
    ids = unique_ids(image.name for part in parts for _, _, image in part.images)
    assembler = Assembler(problems)
    examples = group_by_split((split_of(part.file.name), example) for part in parts for example in part.examples(ids, assembler))
    train, validation = assign_splits(examples, problems, by_split(source.name for source in sources))
    lines = problems.check_limits(str(folder), sum(part.count for part in parts), assembler.boxes)
    return Splits(train, validation, lines, _labels(parts))


class _Part:
    """One JSON file; `images` are (location for messages, the image's entry, the image's file)."""

    def __init__(self, file: File, image_files: ImageFiles, problems: Problems) -> None:
        self.file = file
        self.name = str(file.name)
        self._problems = problems
        data = untrusted_json.read(file.path, self.name, without=_UNUSED)
        entries, annotations, categories = (
            _rows(data, key, self.name) for key in ("images", "annotations", "categories")
        )
        self.count = len(entries)
        self._categories = _categories(categories, self.name)
        self.labels = _used(self._categories, annotations, categories, self.name)
        self.images: list[tuple[str, dict[str, Any], File]] = []
        known = set()
        for number, entry in enumerate(entries):
            location = f"{self.name}: images[{number}]"
            try:
                id = _whole(entry, "id", location)
                if id in known:
                    raise InputError(f"{location}: another image has the id {id} already")
                known.add(id)
                written = entry.get("file_name")
                if not isinstance(written, str) or not written:
                    raise InputError(f"{location}: has no file_name")
                self.images.append((location, entry, image_files.find(written, file.name, location)))
            except InputError as error:
                problems.add_file(str(error))
        self._boxes, self.crowds = self._by_image(annotations, known)

    def _by_image(
        self, annotations: list[Any], known: set[int]
    ) -> tuple[dict[int, list[tuple[str, dict[str, Any]]]], set[int]]:
        """Returns (location, annotation) by image id, and the ids of images with boxes around crowds."""
        found: defaultdict[int, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
        crowds: set[int] = set()
        left_out = 0
        for number, annotation in enumerate(annotations):
            location = f"{self.name}: annotations[{number}]"
            entry = annotation.get("image_id") if isinstance(annotation, dict) else None
            if not _is_whole(entry) or entry not in known:
                self._problems.add_box(f"{location} has the image_id {quoted(entry)}, which no image has")
            elif annotation.get("iscrowd") in (1, True):
                crowds.add(entry)
                left_out += 1
            else:
                found[entry].append((location, annotation))
        if left_out:
            self._problems.add_note(
                f"{self.name}: {left_out} boxes around crowds (iscrowd) left out, because they are not single objects"
            )
        return dict(found), crowds

    def examples(self, ids: dict[Path, str], assembler: Assembler) -> Iterator[Optional[Example]]:
        """Yields the example of each image, or None if it must be left out.

        An image that cannot be used is reported as a problem and yields nothing.
        """
        for location, entry, image in self.images:
            try:
                yield self._example(location, entry, image, ids[image.name], assembler)
            except InputError as error:
                self._problems.add_file(str(error))

    def _example(
        self, location: str, entry: dict[str, Any], image: File, id: str, assembler: Assembler
    ) -> Optional[Example]:
        canvas = assembler.canvas(image, location, _size(entry, location), split_of(self.file.name))
        found = self._boxes.get(entry["id"], [])
        if not found and entry["id"] in self.crowds:
            self._problems.add_note(f"{location}: left out, because all of its boxes are around crowds")
            return None

        def box(annotation: dict[str, Any]) -> LabelledBox:
            x, y, width, height = _bbox(annotation)
            return labelled_box(canvas, self._categories[annotation["category_id"]], (x, y, x + width, y + height))

        return assembler.example(id, canvas, location, found, box)


def _looks_like_coco(file: File) -> bool:
    if file.suffix != ".json":
        return False
    try:
        with file.path.open("rb") as opened:
            data = opened.read(_PEEK_BYTES)
            if len(data) == _PEEK_BYTES:
                opened.seek(max(_PEEK_BYTES, file.path.stat().st_size - _PEEK_BYTES))
                data += opened.read(_PEEK_BYTES)
    except OSError:
        return False
    return len(set(_LISTS.findall(data))) >= 2


def _file_names(source: File) -> set[str]:
    """Returns the file names in a JSON file, without parsing it; empty if it cannot be read."""
    try:
        with source.path.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return {match[1].decode("utf-8", "replace") for match in _FILE_NAME.finditer(data)}
    except (OSError, ValueError):
        return set()


def _sources(files: list[File]) -> list[File]:
    """Returns the files to read, the training split first, so that its categories come first."""
    found = [file for file in files if _looks_like_coco(file)] or [file for file in files if file.suffix == ".json"]
    # COCO's own folder also has captions and key points of the same images.
    found = [file for file in found if file.name.name.startswith("instances")] or found
    found = with_siblings(found, files)
    order = ("train", "val", "test", "")
    return sorted(found, key=lambda file: (order.index(split_of(file.name)), file.name))


def _labels(parts: list[_Part]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for part in parts for name in part.labels))


def _rows(data: object, key: str, name: str) -> list[Any]:
    rows = data.get(key) if isinstance(data, dict) else None
    if not isinstance(rows, list):
        raise InputError(f"{name}: not COCO annotations: it has no list {key!r}")
    return rows


def _categories(rows: list[Any], name: str) -> dict[int, str]:
    names: dict[int, str] = {}
    for number, row in enumerate(rows):
        location = f"{name}: categories[{number}]"
        id = _whole(row, "id", location)
        label = row.get("name")
        if not isinstance(label, str) or not label.split():
            raise InputError(f"{location}: has no name")
        if names.setdefault(id, label) != label:
            raise InputError(f"{location}: the id {id} has the name {quoted(names[id])} already")
        names[id] = " ".join(label.split())
    return names


def _used(names: dict[int, str], annotations: list[Any], categories: list[Any], name: str) -> tuple[str, ...]:
    """Returns the classes in the order of their ids, without groups of classes that have no box.

    Raises InputError if a box has an unknown category.
    """
    used = set()
    for number, annotation in enumerate(annotations):
        category = annotation.get("category_id") if isinstance(annotation, dict) else None
        if not _is_whole(category) or category not in names:
            raise InputError(
                f"{name}: annotations[{number}] has the category_id {quoted(category)}, which none of the"
                f" {len(names)} categories has; add the category, or take the box out"
            )
        used.add(category)
    groups = {row.get("supercategory") for row in categories if isinstance(row.get("supercategory"), str)}
    return tuple(names[id] for id in sorted(names) if id in used or names[id] not in groups)


def _whole(row: object, key: str, location: str) -> int:
    value: object = row.get(key) if isinstance(row, dict) else None
    if not isinstance(value, int) or isinstance(value, bool):
        raise InputError(f"{location}: has no {key} that is a whole number")
    return value


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _size(image: dict[str, Any], location: str) -> tuple[float, float]:
    declared = image.get("width") or 0, image.get("height") or 0
    if not all(map(_is_length, declared)):
        raise InputError(f"{location}: its width and height are no numbers of pixels")
    return declared


def _bbox(annotation: dict[str, Any]) -> tuple[float, float, float, float]:
    box = annotation.get("bbox")
    if not isinstance(box, list) or len(box) != 4:
        raise ValueError("has no bbox of four numbers")
    if not all(map(_is_length, box)):
        raise ValueError(f"has the bbox {quoted(box)}, which is not four numbers of pixels")
    x, y, width, height = box
    return x, y, width, height


def _is_length(value: object) -> bool:
    """Returns True for a number that may count pixels; False for NaN and infinity."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9
