"""YOLO: a text file per image with one line per box, and a list of the class names.

Reads the layouts of Ultralytics and Roboflow (`data.yaml`, `images/` and `labels/`) and of Darknet, CVAT,
LabelImg and Label Studio (`obj.data`, `obj.names` or `classes.txt`, labels beside the images), and labels in any
other folder, which are matched to the images by name. A line has a class number or name and a box (xcenter, ycenter,
width, height, normalized to the image's size) or a polygon, whose bounding box is used. An image without a label file
is background; of many, it is asked whether they are just not labelled yet. Classes keep their order.
"""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from runtime.common.errors import InputError
from train.dataset.examples.assembly import Assembler, Canvas, labelled_box
from train.dataset.examples.evidence import by_evidence
from train.dataset.examples.example import Example, LabelledBox
from train.dataset.examples.image_files import File, quoted, unique_ids, walk
from train.dataset.examples.problems import Problems
from train.dataset.examples.splits import assign_splits, group_by_split, test_split, without_unlabelled
from train.dataset.formats import Score, Splits
from train.dataset.yolo import description, label_lines, parts
from train.dataset.yolo.class_names import ClassNames, Names, numbered
from train.dataset.yolo.label_files import LabelFiles
from train.dataset.yolo.label_lines import ClassNumbers, Line
from train.files import untrusted_bytes

# The labels of an image with a thousand polygons have a few MB.
_MAX_BYTES = 32 << 20
_MEASURED = ("val", "test")
# Of so many label files the order of a box's numbers is found out.
_SAMPLE = 200


def score(folder: Path) -> Optional[Score]:
    """Returns how many images have a label file; None without such files.

    Without anything that names the classes `read` says what to write.
    """
    files = list(walk(folder))
    labels = LabelFiles(files)
    if not labels:
        return None
    source = description.candidate(files)
    if source is None and not (labels.count_images() and labels.have_lines()):
        return None
    reason = f"{source.name} and text files with numbers" if source else "text files with numbers, without class names"
    return Score(labels.count_images(), len(labels), named=False, reason=reason)


@by_evidence
def read(folder: Path) -> Splits:
    """Reads and checks the images in the description below `folder`, and their labels.

    Raises InputError if nothing names the classes, the description does not match the files, or too much is bad.
    """
    reader = _Reader(folder, first=0)
    return (_Reader(folder, first=1) if reader.numbers.count_from_1() else reader).splits()


class _Reader:
    """Reads a data set whose classes count from `first`; gathers the numbers of its classes in `numbers`."""

    def __init__(self, folder: Path, first: int) -> None:
        files = list(walk(folder))
        self.numbers = ClassNumbers()
        self._folder = folder
        self._first = first
        self._problems = Problems()
        self._assembler = Assembler(self._problems)
        self._labels = LabelFiles(files)
        self._corners = label_lines.are_corners(self._sample())
        self._with_key_points = False
        self._descriptions: list[Path] = []
        self._names = ClassNames(())
        self._without_names: set[int] = set()
        self._confidences = self._regions = self._only_regions = 0
        images = self._parts(files)
        self._count = sum(map(len, images.values()))
        self._annotated = {part for part, found in images.items() if any(file in self._labels for file in found)}
        ids = unique_ids(image.name for found in images.values() for image in found)
        self._examples = group_by_split(
            (part, self._example(file, ids[file.name], part)) for part, found in images.items() for file in found
        )

    def splits(self) -> Splits:
        """Returns what was read. Raises InputError if too much is bad."""
        problems = self._problems
        if self._first:
            problems.add_note(
                "no label has the class 0, and the highest is the number of names: taken as counted from 1"
                f" (1 is {self._names.labels[0]!r}); if that is wrong, correct the names"
            )
        if self._corners:
            problems.add_note(
                "the boxes do not fit as xcenter, ycenter, width, height: taken as xmin, ymin, xmax, ymax"
            )
        if self._confidences:
            problems.add_note(
                f"{self._confidences} lines have a sixth number, as detectors write their confidence: not used; the"
                " labels may be a detector's, not a person's"
            )
        if self._regions:
            problems.add_note(f"left out, because they are regions without labels ({label_lines.UNLABELLED}): {self._regions} lines")
        if self._only_regions:
            problems.add_note(f"left out, because not one of its shapes has a box: {self._only_regions} images")
        for place, source in self._names.borrowed():
            problems.add_note(f"{place}: has no list of class names of its own; its numbers were read by {source}")
        missing = self._labels.report(problems)
        examples = without_unlabelled(self._examples, self._annotated, problems)
        train, validation = assign_splits(examples, problems, {"train": self._descriptions})
        lines = problems.check_limits(str(self._folder), self._count + missing, self._assembler.boxes)
        return Splits(train, validation, lines, self._classes(), test=test_split(examples, train))

    def _classes(self) -> Optional[tuple[str, ...]]:
        """Returns the classes in the order of their numbers; None if the labels have names instead."""
        if not self._names.all:
            return None
        return tuple(dict.fromkeys((*self._names.labels, *map(numbered, sorted(self._without_names)))))

    def _parts(self, files: list[File]) -> parts.Parts:
        descriptions, names = description.read(files, self._problems)
        if names is not None:
            self._names = names
        elif numbers := self._all_numbers():
            raise InputError(
                f"{self._folder}: no data.yaml, obj.data or classes.txt in it; without one the classes have no names."
                f" The labels have the numbers {', '.join(map(str, numbers[:5]))}{' ...' if len(numbers) > 5 else ''}:"
                f" write their names, one a line from number 0 on, to {self._folder / 'classes.txt'}"
            )
        self._with_key_points = any(found.with_key_points for found in descriptions)
        self._descriptions = [found.source for found in descriptions]
        return parts.read(self._folder, files, descriptions, self._labels, self._problems)

    def _all_numbers(self) -> list[int]:
        """Returns the class numbers of all label files, ascending; empty if all lines have names."""
        lines = (line for file in self._labels.files.values() for line in _good_lines(file))
        return sorted({line.number for line in lines if line.number is not None})

    def _sample(self) -> list[Line]:
        """Returns the lines of some label files from all over the data set."""
        files = list(self._labels.files.values())
        return [line for file in files[:: len(files) // _SAMPLE + 1] for line in _good_lines(file)]

    def _example(self, image: File, id: str, part: str) -> Optional[Example]:
        """Returns the example of an image; reports a problem and returns None if it cannot be used."""
        try:
            measured_unlabelled = part in _MEASURED and part not in self._annotated
            labels = None if measured_unlabelled else self._labels.of_image(image.name)
            source = str(labels.name) if labels else str(image.name)
            lines = _lines(labels) if labels else []
            names = self._names.of(labels.name) if labels and self._names.all else Names(image.name, ())
            canvas = self._assembler.canvas(image, source, part=part)
        except InputError as error:
            self._problems.add_file(str(error))
            return None
        items = [(f"{source}: line {number}", line) for number, line in lines if not _is_unlabelled(line)]
        self._regions += len(lines) - len(items)
        if lines and not items:
            # As background it would hide what is in these regions.
            self._only_regions += 1
            return None
        return self._assembler.example(id, canvas, source, items, lambda line: self._box(line, names, canvas))

    def _box(self, line: Line | ValueError, names: Names, canvas: Canvas) -> LabelledBox:
        if isinstance(line, ValueError):
            raise line
        if line.number is not None:
            self.numbers.add(line.number, len(names))
        sides = label_lines.sides(line.values, self._with_key_points, self._corners or line.corners)
        self._confidences += len(line.values) == 5
        return labelled_box(canvas, self._name(line, names), sides, normalized=True)

    def _name(self, line: Line, names: Names) -> str:
        if line.number is None:
            if self._names.all and line.written not in names.names:
                raise ValueError(f"has the class {quoted(line.written)}, which {names.source} does not name")
            return line.written
        name = names.name(line.number - self._first)
        if name is None or line.number < self._first:
            raise ValueError(
                f"has the class {line.number}, but {names.source} names {len(names)}, numbered from 0;"
                " give the names that belong to these labels"
            )
        if line.number - self._first >= len(names.names):
            self._without_names.add(line.number - self._first)
        return name


def _lines(file: File) -> list[tuple[int, Line | ValueError]]:
    """Returns (number, line) of the lines that are not empty; the fault in place of a line that cannot be read."""
    text = untrusted_bytes.read_text(file.path, str(file.name), _MAX_BYTES, "a label file")
    lines = enumerate(text.splitlines(), 1)
    return [(number, _line(line)) for number, line in lines if line.strip() and not label_lines.is_heading(line)]


def _is_unlabelled(line: Line | ValueError) -> bool:
    return isinstance(line, Line) and line.written == label_lines.UNLABELLED


def _good_lines(file: File) -> list[Line]:
    try:
        return [line for _, line in _lines(file) if isinstance(line, Line)]
    except InputError:
        return []


def _line(text: str) -> Line | ValueError:
    try:
        return label_lines.parse(text)
    except ValueError as error:
        return error
