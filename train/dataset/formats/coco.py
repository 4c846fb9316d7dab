"""COCO JSON (https://cocodataset.org/#format-data): one file for all images of a part.

Read in the official layout (`annotations/instances_train2017.json`, `train2017/`), in Roboflow's
(`train/_annotations.coco.json` beside the images, `valid/`, `test/`), and with one file for all.
Images are found wherever they lie in the folder. Classes keep the order of the categories' ids;
a category that no box has does not count, as the one that Roboflow adds with the id 0.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any, Optional

from runtime.common.errors import InputError
from train.dataset.examples.assembly import Assembler, assign_splits, group_by_split, labelled_box
from train.dataset.examples.example import Example, LabelledBox
from train.dataset.examples.image_files import File, ImageFiles, quoted, unique_ids, walk, with_siblings
from train.dataset.examples.problems import Problems
from train.dataset.examples.split_names import split_of
from train.dataset.formats import Splits
from train.files import untrusted_json

# Which of a file's lists stand where depends on who wrote it, so both ends are looked at.
_PEEK_BYTES = 1 << 20
_LISTS = re.compile(rb'"(images|annotations|categories)"\s*:')

# Outlines, of which nothing is used, are most of such a file.
_UNUSED = frozenset(("segmentation", "keypoints", "caption"))


def accepts(folder: Path) -> bool:
    """Whether a JSON file in `folder` has at least two of COCO's lists."""
    return any(_looks_like_coco(file) for file in walk(folder))


def read(folder: Path) -> Splits:
    """Reads and checks the JSON files below `folder` and the images that they name.

    Raises InputError where there are none, or where too many are bad.
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
    train, validation = assign_splits(examples, problems)
    lines = problems.check_limits(str(folder), sum(part.count for part in parts), assembler.boxes)
    return Splits(train, validation, lines, _labels(parts))


class _Part:
    """One JSON file: `images` are (location in the list of images, the image's entry, the image's file)."""

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
        self.images: list[tuple[str, dict, File]] = []
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

    def _by_image(self, annotations: list, known: set[int]) -> tuple[dict[int, list[tuple[str, dict]]], set[int]]:
        """The annotations of each entry, and the images that have crowds."""
        found, crowds, left_out = defaultdict(list), set(), 0
        for number, annotation in enumerate(annotations):
            location = f"{self.name}: annotations[{number}]"
            entry = annotation.get("image_id") if isinstance(annotation, dict) else None
            if not _is_whole(entry) or entry not in known:
                self._problems.box(f"{location} has the image_id {quoted(entry)}, which no image has")
            elif annotation.get("iscrowd") in (1, True):
                crowds.add(entry)
                left_out += 1
            else:
                found[entry].append((location, annotation))
        if left_out:
            self._problems.note(
                f"{self.name}: {left_out} boxes around crowds (iscrowd) left out, since one is no object"
            )
        return dict(found), crowds

    def examples(self, ids: dict[Path, str], assembler: Assembler):
        """The example of each image; None, and the reason among the problems, where it is of no use."""
        for location, entry, image in self.images:
            try:
                yield self._example(location, entry, image, ids[image.name], assembler)
            except InputError as error:
                self._problems.file(str(error))

    def _example(self, location: str, entry: dict, image: File, id: str, assembler: Assembler) -> Optional[Example]:
        canvas = assembler.canvas(image, location, _size(entry, location))
        found = self._boxes.get(entry["id"], [])
        if not found and entry["id"] in self.crowds:
            self._problems.note(f"{location}: left out, for all of its boxes are around crowds")
            return None

        def box(annotation: dict) -> LabelledBox:
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


def _sources(files: list[File]) -> list[File]:
    """The files to read, those to train on first, so that their categories come first."""
    found = [file for file in files if _looks_like_coco(file)] or [file for file in files if file.suffix == ".json"]
    # The official folder has captions and key points of the same images beside them.
    found = [file for file in found if file.name.name.startswith("instances")] or found
    found = with_siblings(found, files)
    order = ("train", "val", "test", "")
    return sorted(found, key=lambda file: (order.index(split_of(file.name)), file.name))


def _labels(parts: list[_Part]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for part in parts for name in part.labels))


def _rows(data: Any, key: str, name: str) -> list:
    if not isinstance(data, dict) or not isinstance(data.get(key), list):
        raise InputError(f"{name}: not COCO annotations: it has no list {key!r}")
    return data[key]


def _categories(rows: list, name: str) -> dict[int, str]:
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


def _used(names: dict[int, str], annotations: list, categories: list, name: str) -> tuple[str, ...]:
    """The classes in the order of their ids, without the group of classes that Roboflow puts among them.

    Raises InputError where a box is of a category that is not there.
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


def _whole(row: Any, key: str, location: str) -> int:
    value = row.get(key) if isinstance(row, dict) else None
    if not _is_whole(value):
        raise InputError(f"{location}: has no {key} that is a whole number")
    return value


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _size(image: dict, location: str) -> tuple[float, float]:
    declared = image.get("width") or 0, image.get("height") or 0
    if not all(map(_is_length, declared)):
        raise InputError(f"{location}: its width and height are no numbers of pixels")
    return declared


def _bbox(annotation: dict) -> tuple[float, float, float, float]:
    box = annotation.get("bbox")
    if not isinstance(box, list) or len(box) != 4:
        raise ValueError("has no bbox of four numbers")
    if not all(map(_is_length, box)):
        raise ValueError(f"has the bbox {quoted(box)}, which is not four numbers of pixels")
    return tuple(box)


def _is_length(value: object) -> bool:
    """Whether it is a number that may count pixels, which NaN and infinity do not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9
