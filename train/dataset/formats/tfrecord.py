"""TFRecords with the keys of the Object Detection API and a label map, as Roboflow exports them too.

Whole files or shards, with the part in the name of the folder (`train/Helmet.tfrecord`) or of the file
(`pascal_val.record`). The images inside are kept in the cache, where all else reads them as files.
Classes keep the order of their numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from runtime.common.errors import InputError
from train.dataset.examples.assembly import Assembler, Canvas, assign_splits, group_by_split, labelled_box
from train.dataset.examples.example import Example, LabelledBox
from train.dataset.examples.image_files import File, quoted, unique_ids, walk
from train.dataset.examples.problems import Problems
from train.dataset.examples.split_names import split_of
from train.dataset.formats import Splits
from train.dataset.formats._record_files import Classes, LabelMaps, check_shards, is_record
from train.dataset.formats._record_images import RecordImages
from train.files import tf_example, tfrecord

_SIDES = tuple(f"image/object/bbox/{side}" for side in ("xmin", "ymin", "xmax", "ymax"))


@dataclass(frozen=True)
class _Object:
    """One box: sides as shares of the image's."""

    label: str
    sides: tuple[float, float, float, float]
    difficult: bool
    truncated: bool


@dataclass(frozen=True)
class _Entry:
    """One record, without its image's bytes. `location` is for messages."""

    location: str
    part: str
    image: File
    size: tuple[int, int]
    objects: tuple[_Object, ...]


def accepts(folder: Path) -> bool:
    """Whether there is a file of records in `folder`."""
    return any(is_record(file) for file in walk(folder))


def read(folder: Path) -> Splits:
    """Reads and checks the records below `folder`.

    Raises InputError where there are none, one is damaged, too many are bad, or the label map is another's.
    """
    files = list(walk(folder))
    records = [file for file in files if is_record(file)]
    if not records:
        raise InputError(f"{folder}: no TFRecord file in it; give the folder with the records and their label map")
    check_shards(records)
    problems = Problems()
    reader = _Reader(LabelMaps(files), problems)
    entries = [entry for record in records for entry in reader.entries(record)]
    names = _names(entries)
    ids = unique_ids(names.values())
    assembler = Assembler(problems)
    examples = group_by_split((entry.part, _example(entry, ids[names[entry.location]], assembler, problems)) for entry in entries)
    train, validation = assign_splits(examples, problems)
    lines = problems.check_limits(str(folder), reader.records, assembler.boxes)
    return Splits(train, validation, lines, reader.labels())


class _Reader:
    """Reads one file after the other; `records` counts theirs, good and bad."""

    def __init__(self, maps: LabelMaps, problems: Problems) -> None:
        self.records = 0
        self._maps = maps
        self._problems = problems
        # Of data without a label map: the text that goes with each number.
        self._texts: dict[int, str] = {}

    def labels(self) -> Optional[tuple[str, ...]]:
        names = self._maps.names or dict(sorted(self._texts.items()))
        return tuple(dict.fromkeys(names.values())) or None

    def entries(self, record: File) -> Iterator[_Entry]:
        """What is in `record`; what cannot be used is among the problems."""
        images = RecordImages(record)
        try:
            with record.path.open("rb") as file:
                for number, data in enumerate(tfrecord.read(file, record.path.stat().st_size)):
                    self.records += 1
                    location = f"{record.name}: record {number}"
                    try:
                        yield self._entry(data, number, location, record, images)
                    except ValueError as error:
                        self._problems.file(f"{location} {error}")
        except OSError as error:
            raise InputError(f"{record.name}: cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise InputError(f"{record.name}: {error}; copy or download it again") from error

    def _entry(self, data: bytes, number: int, location: str, record: File, images: RecordImages) -> _Entry:
        features = tf_example.decode(data)
        encoded = features.get("image/encoded") or [b""]
        if not isinstance(encoded[0], memoryview) or not encoded[0]:
            raise ValueError("has no image (image/encoded)")
        written = _text(features, "image/filename") or _text(features, "image/source_id")
        objects = self._objects(features, location, record)
        path = images.keep(encoded[0], written, number)
        size = tuple(next(iter(_numbers(features, f"image/{side}", int)), 0) for side in ("width", "height"))
        return _Entry(location, split_of(record.name), File(path, record.name / path.name), size, objects)

    def _objects(self, features: dict, location: str, record: File) -> tuple[_Object, ...]:
        sides = [_numbers(features, key, float) for key in _SIDES]
        count = len(sides[0])
        if any(len(side) != count for side in sides):
            raise ValueError("has boxes of which some have no side")
        labels = self._classes(features, count, location, record)
        marks = [_marks(features, key, count) for key in ("difficult", "truncated", "is_crowd")]
        crowds = sum(marks[2])
        if crowds:
            self._problems.note(f"{location}: {crowds} boxes around crowds left out, since one is no object")
            if crowds == count:
                raise ValueError("has boxes around crowds only")
        return tuple(
            _Object(label, box, difficult, truncated)
            for label, box, difficult, truncated, crowd in zip(labels, zip(*sides), *marks)
            if not crowd
        )

    def _classes(self, features: dict, count: int, location: str, record: File) -> list[str]:
        texts = [" ".join(text.split()) for text in _texts(features, "image/object/class/text")]
        ids = _numbers(features, "image/object/class/label", int)
        if any(len(given) not in (0, count) for given in (texts, ids)) or (count and not texts and not ids):
            raise ValueError(f"has {count} boxes, but {len(texts)} class names and {len(ids)} class numbers")
        name, classes = self._maps.nearest_to(record)
        if classes:
            return [_mapped(classes, id, text, location, name) for id, text in _pairs(ids, texts, count)]
        if count and not texts:
            raise InputError(
                f"{location} has class numbers without names; put the *_label_map.pbtxt that names them beside it"
            )
        for id, text in zip(ids, texts):
            if self._texts.setdefault(id, text) != text:
                raise InputError(
                    f"{location} calls class {id} {quoted(text)}, but others call it {quoted(self._texts[id])}"
                )
        return texts


def _example(entry: _Entry, id: str, assembler: Assembler, problems: Problems) -> Optional[Example]:
    try:
        canvas = assembler.canvas(entry.image, entry.location, entry.size)
    except InputError as error:
        problems.add_file(str(error))
        return None
    items = [(f"{entry.location}: box {number}", item) for number, item in enumerate(entry.objects, 1)]
    return assembler.example(id, canvas, entry.location, items, lambda item: _box(item, canvas))


def _box(item: _Object, canvas: Canvas) -> LabelledBox:
    sides = tuple(share * side for share, side in zip(item.sides, (canvas.width, canvas.height) * 2))
    return labelled_box(canvas, item.label, sides, item.difficult, item.truncated)


def _names(entries: list[_Entry]) -> dict[str, Path]:
    """For each record the path that its image would have, had it never been put into records."""
    names: dict[str, Path] = {}
    taken = set()
    for number, entry in enumerate(entries):
        record, image = entry.image.name.parent, entry.image.name.name
        options = (record.parent / image, record.parent / (entry.part or record.stem) / image)
        name = next((path for path in options if path not in taken), record.parent / str(number) / image)
        taken.add(name)
        names[entry.location] = name
    return names


def _mapped(classes: Classes, id: Optional[int], text: Optional[str], location: str, name: Path) -> str:
    """The class that the label map `name` gives. Raises InputError where it does not fit the records."""
    if id is None:
        known = {spelling: item for item in classes.values() for spelling in item.spellings}
        if text not in known:
            raise InputError(
                f"{location} has the class {quoted(text)}, which {name} does not have; give its own label map"
            )
        return known[text].label
    if id not in classes:
        raise InputError(f"{location} has the class number {id}, which {name} does not have; give its own label map")
    item = classes[id]
    if text and text not in item.spellings:
        raise InputError(
            f"{location} calls class {id} {quoted(text)}, but {name} calls it {item.label!r}; give its own label map"
        )
    return item.label


def _pairs(ids: list, texts: list, count: int) -> Iterator[tuple[Optional[int], Optional[str]]]:
    return zip(ids or [None] * count, texts or [None] * count)


def _numbers(features: dict, key: str, kind: type) -> list:
    values = features.get(key) or []
    if not all(isinstance(value, kind) for value in values):
        raise ValueError(f"has something else than numbers in {key}")
    return values


def _marks(features: dict, key: str, count: int) -> list[bool]:
    values = _numbers(features, f"image/object/{key}", int)
    return [value == 1 for value in values] if len(values) == count else [False] * count


def _texts(features: dict, key: str) -> list[str]:
    values = features.get(key) or []
    if not all(isinstance(value, memoryview) for value in values):
        raise ValueError(f"has something else than text in {key}")
    return [bytes(value).decode() for value in values]


def _text(features: dict, key: str) -> str:
    return next(iter(_texts(features, key)), "")
