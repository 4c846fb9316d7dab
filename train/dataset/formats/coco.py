"""COCO JSON (https://cocodataset.org/#format-data): a file for all images of a split.

Reads the official layout (`annotations/instances_train2017.json`, `train2017/`), Roboflow's
(`train/_annotations.coco.json` beside the images, `valid/`, `test/`), a single file for all images, and the variants
of `_coco_files`. Images may lie anywhere in the folder. An outline (polygon, RLE) counts as the box around it. Classes
keep the order of the categories' ids. A category that only groups others and has no box, such as the one that
Roboflow adds with id 0, is not a class.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

from runtime.common.errors import InputError
from train.dataset.coco import rules
from train.dataset.coco.rules import Key
from train.dataset.examples.assembly import Assembler, labelled_box
from train.dataset.examples.evidence import by_evidence
from train.dataset.examples.example import Example, LabelledBox
from train.dataset.examples.frames import Sides
from train.dataset.examples.image_files import File, ImageFiles, quoted, unique_ids, walk, with_siblings
from train.dataset.examples.problems import Problems
from train.dataset.examples.split_names import split_of, split_of_folder
from train.dataset.examples.splits import assign_splits, by_split, group_by_split, test_split, without_unlabelled
from train.dataset.formats import Score, Splits
from train.dataset.formats import _coco_files as coco_files
from train.dataset.formats._coco_files import CocoFile, Entry, Place, file_names, looks_like_coco

# Two files are of one labelling, with other names, if so many images have the same boxes in both.
_FEWEST_RENAMED = 3


def score(folder: Path) -> Optional[Score]:
    """Returns how many images the JSON files below `folder` name; None if none has at least two of COCO's lists."""
    files = list(walk(folder))
    sources = [file for file in files if looks_like_coco(file)]
    if not sources:
        return None
    names = {written for source in sources for written in file_names(source)}
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
    parts = [_Part(coco_files.read(source), images, problems) for source in sources]
    _merge(parts, problems)
    ids = unique_ids(image.file.name for part in parts for image in part.images)
    assembler = Assembler(problems)
    examples = group_by_split(pair for part in parts for pair in part.examples(ids, assembler))
    examples = without_unlabelled(examples, {image.part for part in parts if part.annotated for image in part.images}, problems)
    count = sum(part.count for part in parts)
    try:
        train, validation = assign_splits(examples, problems, by_split(source.name for source in sources))
    except InputError:
        # What is wrong with the entries says more than that no image is left.
        problems.check_limits(str(folder), count, assembler.boxes)
        raise
    lines = problems.check_limits(str(folder), count, assembler.boxes)
    labels = tuple(dict.fromkeys(name for part in parts for name in part.labels))
    return Splits(train, validation, lines, labels, test=test_split(examples, train))


@dataclass(slots=True)
class _Object:
    """A box of a file: its place for messages, its class and sides, or the fault in it."""

    source: str
    place: Place
    label: str = ""
    sides: Sides = (0.0, 0.0, 0.0, 0.0)
    fault: str = ""

    def __str__(self) -> str:
        return coco_files.location(self.source, self.place)


@dataclass
class _Image:
    """An image of a file, with its boxes: its place for messages, its part, and the number of boxes around crowds."""

    location: str
    entry: Entry
    file: File
    part: str
    objects: list[_Object] = field(default_factory=list)
    crowds: int = 0


class _Part:
    """One JSON file and its images; `count` is the number of all images in it, `labels` are its classes in order.

    `annotated` is False if the file has not one annotation, as that of images without labels.
    """

    def __init__(self, source: CocoFile, image_files: ImageFiles, problems: Problems) -> None:
        self.count = len(source.images)
        self.annotated = bool(source.annotations)
        self.images: list[_Image] = []
        self._source = source
        self._problems = problems
        self._name = str(source.file.name)
        for note in source.notes:
            problems.add_note(note)
        used = self._assign(self._find_images(image_files))
        # They take much space, and all that is needed of them is in the images.
        source.annotations.clear()
        order = sorted(source.categories, key=lambda id: (isinstance(id, str), id))
        names = [name for id in order if (name := source.categories[id]) in used or name not in source.groups]
        self.labels = (*names, *sorted(used.difference(names)))

    def _find_images(self, image_files: ImageFiles) -> dict[Key, Optional[_Image]]:
        """Finds the image files; returns the images by their ids, None for those that cannot be used."""
        known: dict[Key, Optional[_Image]] = {}
        places: dict[Key, str] = {}
        split = split_of(self._source.file.name)
        for location, entry in self._source.images:
            try:
                written = coco_files.written_name(entry) if isinstance(entry, dict) else ""
                id = rules.key(entry.get("id", entry.get("image_id"))) if isinstance(entry, dict) else None
                if id is None:
                    # Without an id, annotations can name the file.
                    id = written or None
                if id is None:
                    raise InputError(f"{location}: has no id")
                if not written:
                    known.setdefault(id, None)
                    raise InputError(f"{location}: has no file_name")
                first = known.get(id)
                if first is not None and coco_files.written_name(first.entry) == written:
                    self.count -= 1
                    continue
                if id in known:
                    self._leave_out(known, id, places)
                    raise InputError(f"{location}: another image has the id {quoted(entry.get('id'))} already")
                known[id], places[id] = None, location
                file = image_files.find(written, self._source.file.name, location)
                known[id] = _Image(location, entry, file, split or split_of_folder(file.name))
            except InputError as error:
                self._problems.add_file(str(error))
        self.images = [image for image in known.values() if image]
        return known

    def _leave_out(self, known: dict[Key, Optional[_Image]], id: Key, places: dict[Key, str]) -> None:
        """Which of two images with one id has the boxes, cannot be known."""
        if known[id] is not None:
            known[id] = None
            self._problems.add_file(f"{places[id]}: another image has the id {quoted(id)} too")

    def _assign(self, known: dict[Key, Optional[_Image]]) -> set[str]:
        """Gives the annotations to their images; returns the names of the classes that have a box."""
        # 000012 and 12 are one id where no other image has the second.
        others: dict[Key, Key] = {number: id for id in known if (number := _as_number(id)) is not None}
        by_name = {written: id for id, image in known.items() if image for written in _names(image)}
        crowds = self._crowds()
        used: set[str] = set()
        left_out = 0
        for number, (place, annotation) in enumerate(self._source.annotations):
            written = annotation.get("image_id") if isinstance(annotation, dict) else None
            id = rules.key(written)
            if id is not None and id not in known:
                id = next((other for other in (others.get(id), by_name.get(str(id)), _as_number(id)) if other in known), None)
            if id is None or id not in known:
                location = coco_files.location(self._name, place)
                self._problems.add_box(f"{location} has the image_id {quoted(written)}, which no image has")
                continue
            image = known[id]
            if image is None:
                continue
            if number in crowds:
                image.crowds += 1
                left_out += 1
                continue
            item = self._object(place, annotation)
            image.objects.append(item)
            if item.label:
                used.add(item.label)
        if left_out:
            self._problems.add_note(
                f"{self._name}: {left_out} boxes around crowds (iscrowd) left out, because they are not single objects"
            )
        return used

    def _object(self, place: Place, annotation: Entry) -> _Object:
        label = ""
        try:
            label = sys.intern(coco_files.label(annotation, self._source))
            return _Object(self._name, place, label, coco_files.sides(annotation))
        except ValueError as error:
            return _Object(self._name, place, label, fault=str(error))

    def _crowds(self) -> frozenset[int]:
        """Returns the numbers of the annotations around crowds; notes those that are marked so and are not."""
        found = rules.crowds(row for _, row in self._source.annotations)
        if found.single:
            self._problems.add_note(
                f"{self._name}: taken for single objects, because {found.reason}: {found.single} boxes"
            )
        return found.numbers

    def examples(self, ids: dict[Path, str], assembler: Assembler) -> Iterator[tuple[str, Optional[Example]]]:
        """Yields the part and the example of each image, or None if it must be left out.

        An image that cannot be used is reported as a problem and yields nothing.
        """
        for image in self.images:
            try:
                yield image.part, self._example(image, ids[image.file.name], assembler)
            except InputError as error:
                self._problems.add_file(str(error))

    def _example(self, image: _Image, id: str, assembler: Assembler) -> Optional[Example]:
        size = _size(image.entry)
        canvas = assembler.canvas(image.file, image.location, size, image.part, as_shown=self._source.as_shown)
        if not image.objects and image.crowds:
            self._problems.add_note(f"{image.location}: left out, because all of its boxes are around crowds")
            return None

        def box(item: _Object) -> LabelledBox:
            if item.fault:
                raise ValueError(item.fault)
            return labelled_box(canvas, item.label, item.sides)

        items = ((str(item), item) for item in image.objects)
        return assembler.example(id, canvas, image.location, items, box, self._name)


def _merge(parts: list[_Part], problems: Problems) -> None:
    """Puts the boxes of one image together that several entries or files of one part have, each once."""
    found: dict[tuple[Path, str], _Image] = {}
    several = renamed = 0
    for part in parts:
        kept = []
        for image in part.images:
            first = found.setdefault((image.file.path, image.part), image)
            if first is image:
                kept.append(image)
                continue
            several += 1
            renamed += _are_renamed(first.objects, image.objects)
            if renamed >= _FEWEST_RENAMED and 2 * renamed > several:
                raise InputError(_renamed(first, image))
            known = {(item.label, item.sides) for item in first.objects}
            first.objects += [item for item in image.objects if item.fault or (item.label, item.sides) not in known]
            first.crowds += image.crowds
        part.images = kept
    if several:
        problems.add_note(f"boxes of several entries for one image put together, each once: {several} entries")


def _are_renamed(some: list[_Object], others: list[_Object]) -> bool:
    """Returns True if two entries of an image have the same boxes, and call them all otherwise."""
    one, two = ({item.sides: item.label for item in items if not item.fault} for items in (some, others))
    return bool(one) and one.keys() == two.keys() and not set(one.values()) & set(two.values())


def _renamed(first: _Image, second: _Image) -> str:
    one, two = first.objects[0], second.objects[0]
    return (
        f"{one.source} and {two.source} have the same boxes of the same images, and call them {quoted(one.label)} and"
        f" {quoted(two.label)}: each object would be two; remove one of the two, and others like it, or give the folder of one"
    )


def _sources(files: list[File]) -> list[File]:
    """Returns the files to read, the training split first, so that its categories come first."""
    found = [file for file in files if looks_like_coco(file)] or [file for file in files if file.suffix == ".json"]
    # COCO's own folder also has captions and key points of the same images.
    found = [file for file in found if file.name.name.startswith("instances")] or found
    found = with_siblings(found, files)
    order = ("train", "val", "test", "")
    return sorted(found, key=lambda file: (order.index(split_of(file.name)), file.name))


def _size(image: Entry) -> Optional[tuple[float, float]]:
    sides = image.get("width"), image.get("height")
    numbers = [float(side) for side in sides if isinstance(side, (int, float)) and coco_files.is_length(side)]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else None


def _names(image: _Image) -> tuple[str, str]:
    """The names by which annotations may refer to an image instead of by its id."""
    written = coco_files.written_name(image.entry)
    return written, Path(written).stem


def _as_number(id: Key) -> Optional[int]:
    return int(id) if isinstance(id, str) and id.isdecimal() and len(id) < 19 else None
