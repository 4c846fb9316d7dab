"""From the entries of images in a tool's annotation files to examples, alike for all tools."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Optional

from runtime.common.errors import InputError
from train.dataset.examples.assembly import Assembler, Canvas, labelled_box
from train.dataset.examples.example import LabelledBox
from train.dataset.examples.image_files import File, ImageFiles, unique_ids
from train.dataset.examples.problems import Problems
from train.dataset.examples.split_names import split_of, split_of_folder
from train.dataset.examples.splits import Examples, assign_splits, group_by_split, test_split
from train.dataset.tools.shapes import Sides

_OF_IMAGES = frozenset(("tag", "label", "caption", "choices", "textarea", "taxonomy", "rating", "number", "classification"))


@dataclass(frozen=True)
class Item:
    """An annotated object: its name for messages, its class, and its shape as the file has it."""

    name: str
    label: str
    shape: Any


@dataclass(frozen=True)
class Entry:
    """The annotation of one image.

    `location` names it in messages, `annotation` is its file's name. `written` are the paths by which the image may
    be found, the best first. `size` is the (width, height) that it gives, `part` its split if it says so. `skipped` says
    that it has shapes besides the items, which have no box.
    """

    location: str
    annotation: Path
    written: tuple[str, ...]
    items: tuple[Item, ...]
    size: Optional[tuple[float, float]] = None
    part: str = ""
    skipped: bool = False


def read(
    folder: Path,
    files: list[File],
    entries: Iterable[Entry | InputError],
    sides: Callable[[Any, Canvas], Sides],
    problems: Problems,
    as_shown: bool = False,
) -> tuple[Examples, Optional[Examples], tuple[str, ...], Examples]:
    """Returns (training, validation, problems, test) of the entries, with the checks of all formats.

    An entry that cannot be read is an InputError in its place. `sides` gives the box of a shape in pixels of the
    canvas, and raises ValueError with the fault if it is bad. An image is of the part that its entry says, else of
    that of its own folder. `as_shown` says that boxes are known to be those of the image after its EXIF rotation. Raises
    InputError if too much is bad.
    """
    images = ImageFiles(files, str(folder))
    found: list[tuple[Entry, File]] = []
    missing: dict[Path, list[str]] = {}
    count = 0
    for entry in entries:
        count += 1
        if isinstance(entry, InputError):
            problems.add_file(str(entry))
            continue
        try:
            found.append((entry, _image(entry, images)))
        except InputError as error:
            missing.setdefault(entry.annotation, []).append(str(error))
    count -= _report_missing(missing, {entry.annotation for entry, _ in found}, problems)
    named = {image.name for _, image in found}
    found = _without_unboxed(_once(found), problems)
    ids = unique_ids(image.name for _, image in found)
    assembler = Assembler(problems)
    examples = []
    for entry, image in found:
        part = entry.part or split_of_folder(image.name)
        try:
            canvas = assembler.canvas(image, entry.location, entry.size, part, as_shown=as_shown)
        except InputError as error:
            problems.add_file(str(error))
            continue
        items = [(item.name, item) for item in entry.items]
        box = partial(_box, sides, canvas)
        example = assembler.example(ids[image.name], canvas, entry.location, items, box)
        examples.append((part, example))
    if others := sum(image.name not in named for image in images):
        problems.add_note(f"not used, because no annotation names them: {others} images")
    parts = group_by_split(examples)
    train, validation = assign_splits(parts, problems)
    lines = problems.check_limits(str(folder), count, assembler.boxes)
    return train, validation, lines, test_split(parts, train)


def _without_unboxed(found: list[tuple[Entry, File]], problems: Problems) -> list[tuple[Entry, File]]:
    """Returns the entries without those of which every shape was left out: as background they would hide their objects."""
    kept = [(entry, image) for entry, image in found if entry.items or not entry.skipped]
    if left := len(found) - len(kept):
        problems.add_note(f"left out, because not one of its shapes has a box: {left} image{'s' * (left > 1)}")
    return kept


def marking_skipped(made: Iterable[Entry], skipped: Counter[str]) -> Iterator[Entry]:
    """Yields the entries; one is marked as `skipped` if its reader counted a shape in `skipped` while it made it."""
    before = shapes_in(skipped)
    for entry in made:
        yield replace(entry, skipped=True) if shapes_in(skipped) > before else entry
        before = shapes_in(skipped)


def shapes_in(skipped: Counter[str]) -> int:
    """Returns how many of the annotations that a reader left out are shapes; the others say something of a whole image."""
    return sum(count for kind, count in skipped.items() if kind.strip("'\"") not in _OF_IMAGES)


def note_skipped(kinds: Counter[str], problems: Problems, advice: str = "they have no box") -> None:
    """Notes the shapes that are no objects with a box, by their kinds."""
    if kinds:
        shown = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        problems.add_note(f"shapes left out, because {advice}: {shown}")


def _report_missing(missing: dict[Path, list[str]], used: set[Path], problems: Problems) -> int:
    """Reports the entries without images, and returns the number of those that are no fault.

    A file of which not one image is there, beside others that have theirs, is the example of a tool, or an old version.
    One that is for a part of the data may be all that says that its images are missing.
    """
    passed = 0
    for annotation, lines in missing.items():
        if len(lines) > 1 and used and annotation not in used and not split_of(annotation):
            passed += len(lines)
            problems.add_note(f"{annotation}: not used, because not one of its {len(lines)} images is in the folder")
        else:
            for line in lines:
                problems.add_file(line)
    return passed


def _image(entry: Entry, images: ImageFiles) -> File:
    first: Optional[InputError] = None
    for written in entry.written:
        try:
            return images.find(written, entry.annotation, entry.location)
        except InputError as error:
            first = first or error
    raise first or InputError(f"{entry.location}: does not say which image it belongs to")


def _once(found: list[tuple[Entry, File]]) -> list[tuple[Entry, File]]:
    """Returns the entries without empty ones of images that have another: tools repeat an image in several files."""
    filled = {image.name for entry, image in found if entry.items}
    kept: dict[tuple[Path, object], tuple[Entry, File]] = {}
    for number, (entry, image) in enumerate(found):
        if entry.items:
            kept[image.name, number] = entry, image
        elif image.name not in filled:
            kept.setdefault((image.name, None), (entry, image))
    return list(kept.values())


def _box(sides: Callable[[Any, Canvas], Sides], canvas: Canvas, item: Item) -> LabelledBox:
    return labelled_box(canvas, item.label, sides(item.shape, canvas))
