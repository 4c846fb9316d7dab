"""YOLO: a text file per image with one line per box, and a list of the class names.

Reads the layouts of Ultralytics and Roboflow (`data.yaml`, `images/` and `labels/`) and of Darknet, CVAT,
LabelImg and Label Studio (`obj.data`, `obj.names` or `classes.txt`, labels beside the images). A line has a
class number and a box (xcenter, ycenter, width, height, normalized to the image's size) or a polygon, whose
bounding box is used. An image without a label file is background. Classes keep their order.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Optional

from runtime.common.errors import InputError
from train.dataset.examples.assembly import Assembler, Canvas, labelled_box
from train.dataset.examples.evidence import by_evidence
from train.dataset.examples.example import Example, LabelledBox
from train.dataset.examples.image_files import File, is_image, quoted, unique_ids, walk
from train.dataset.examples.problems import Problems
from train.dataset.examples.splits import assign_splits, group_by_split, without_unlabelled
from train.dataset.formats import Score, Splits
from train.dataset.formats import _yolo_files as yolo_files
from train.dataset.formats._yolo_files import YoloFiles
from train.files import untrusted_bytes

# The labels of an image with a thousand polygons have a few MB.
_MAX_BYTES = 32 << 20


def score(folder: Path) -> Optional[Score]:
    """Returns how many images have a label file; None without such files or without a description of the data set."""
    files = list(walk(folder))
    description = yolo_files.description(files)
    labels = _Labels(files)
    if description is None or not labels:
        return None
    return Score(labels.count_images(), len(labels), named=False, reason=f"{description.name} and text files with numbers")


@by_evidence
def read(folder: Path) -> Splits:
    """Reads and checks the images in the description below `folder`, and their labels.

    Raises InputError if there is no description, it does not match the files, or too much is bad.
    """
    files = list(walk(folder))
    problems = Problems()
    found = yolo_files.read(folder, files, problems)
    labels = _Labels(files)
    images = {part: list(dict.fromkeys(listed)) for part, listed in found.parts.items()}
    ids = unique_ids(image.name for listed in images.values() for image in listed)
    assembler = Assembler(problems)
    reader = _Reader(found, labels, assembler, problems)
    examples = group_by_split(
        (part, reader.example(file, ids[file.name])) for part, listed in images.items() for file in listed
    )
    missing = labels.report(problems)
    annotated = {part for part, listed in images.items() if any(labels.has(file.name) for file in listed)}
    examples = without_unlabelled(examples, annotated, problems)
    train, validation = assign_splits(examples, problems)
    lines = problems.check_limits(str(folder), sum(map(len, images.values())) + missing, assembler.boxes)
    return Splits(train, validation, lines, tuple(dict.fromkeys(found.names)))


class _Labels:
    """The label files of a data set: text files with the name of an image, or with lines of numbers.

    Records which files were requested, to report the others.
    """

    def __init__(self, files: list[File]) -> None:
        self._stems = {file.name.stem for file in files if is_image(file)}
        texts = (file for file in files if file.suffix == ".txt")
        self._files = {file.name: file for file in texts if file.name.stem in self._stems or _has_numbers(file)}
        self._left = set(self._files)
        self._without = 0

    def __len__(self) -> int:
        return len(self._files)

    def count_images(self) -> int:
        """Returns the number of images with a label file of their name."""
        return len(self._stems & {name.stem for name in self._files})

    def of_image(self, image: Path) -> Optional[File]:
        """Returns the label file of an image, or None, and counts those without one."""
        file = self._find(image)
        if file:
            self._left.discard(file.name)
        else:
            self._without += 1
        return file

    def has(self, image: Path) -> bool:
        """Returns True if the image has a label file."""
        return self._find(image) is not None

    def _find(self, image: Path) -> Optional[File]:
        """For an image below `images` the label file is looked for below `labels` first, then beside the image."""
        parts = image.parent.parts
        places = [image.parent]
        if "images" in parts:
            last = len(parts) - 1 - parts[::-1].index("images")
            places.insert(0, Path(*parts[:last], "labels", *parts[last + 1 :]))
        for location in places:
            file = self._files.get(location / f"{image.stem}.txt")
            if file:
                return file
        return None

    def report(self, problems: Problems) -> int:
        """Reports images without labels and labels without images; returns the number of missing images."""
        if self._without:
            problems.add_note(f"taken for background, because they have no label file: {self._without} images")
        missing = sorted(name for name in self._left if name.stem not in self._stems)
        for name in missing:
            problems.add_file(f"{name}: its image is missing: no {quoted(f'{name.stem}.*')}")
        # Labels of images in a split that the description does not list.
        if unused := len(self._left) - len(missing):
            problems.add_note(f"not used, because the description does not name their images: {unused} label files")
        return len(missing)


class _Reader:
    def __init__(self, found: YoloFiles, labels: _Labels, assembler: Assembler, problems: Problems) -> None:
        self._found = found
        self._labels = labels
        self._assembler = assembler
        self._problems = problems

    def example(self, image: File, id: str) -> Optional[Example]:
        """Returns the example of an image; reports a problem and returns None if it cannot be used."""
        try:
            labels = self._labels.of_image(image.name)
            source = str(labels.name) if labels else str(image.name)
            lines = _lines(labels) if labels else []
            canvas = self._assembler.canvas(image, source)
        except InputError as error:
            self._problems.add_file(str(error))
            return None
        items = [(f"{source}: line {number}", (f"{source}: line {number}", line)) for number, line in lines]
        return self._assembler.example(id, canvas, source, items, lambda item: self._box(*item, canvas))

    def _box(self, location: str, line: str, canvas: Canvas) -> LabelledBox:
        number, *values = (_number(word) for word in line.split())
        names = self._found.names
        if not number.is_integer() or number < 0:
            raise ValueError(f"has {quoted(line.split()[0])} for a class number")
        if number >= len(names):
            raise InputError(
                f"{location} has the class {number:.0f}, but {self._found.source} names {len(names)}, numbered from 0;"
                " give the names that belong to these labels"
            )
        if self._found.with_key_points:
            values = values[:4]
        xs, ys = _corners(values)
        return labelled_box(canvas, names[int(number)], (min(xs), min(ys), max(xs), max(ys)), normalized=True)


def _corners(values: list[float]) -> tuple[list[float], list[float]]:
    """Returns the x and the y coordinates of the corners of a box (xcenter, ycenter, width, height) or polygon."""
    if len(values) == 4:
        x, y, width, height = values
        if width <= 0 or height <= 0:
            raise ValueError(f"has no area (width={width:g} height={height:g})")
        return [x - width / 2, x + width / 2], [y - height / 2, y + height / 2]
    if len(values) < 6 or len(values) % 2:
        raise ValueError(f"has {len(values) + 1} numbers: neither a class and a box (5) nor a class and a polygon")
    return values[::2], values[1::2]


def _has_numbers(file: File) -> bool:
    """Returns True if the first line of a text file looks like a line of labels."""
    try:
        with file.path.open(encoding="utf-8-sig") as opened:
            words = opened.readline(1000).split()
        return len(words) >= 5 and all(map(math.isfinite, map(float, words)))
    except (OSError, ValueError):
        return False


def _lines(file: File) -> list[tuple[int, str]]:
    text = untrusted_bytes.read_text(file.path, str(file.name), _MAX_BYTES, "a label file")
    return [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise ValueError(f"has {quoted(word)}, which is not a number") from None
