"""TFRecords with the feature keys of the Object Detection API and a label map, as Roboflow exports them.

Reads whole files and shards; the split is in the name of the folder (`train/Helmet.tfrecord`) or of the file
(`pascal_val.record`). The images in the records are extracted to the cache, because the rest of the kit reads
image files. Classes keep the order of their numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, TypeVar

from runtime.common.errors import InputError
from train.dataset.examples.assembly import Assembler, Canvas, labelled_box
from train.dataset.examples.evidence import by_evidence
from train.dataset.examples.example import Example, LabelledBox
from train.dataset.examples.image_files import File, quoted, unique_ids, walk
from train.dataset.examples.problems import Problems
from train.dataset.examples.split_names import split_of
from train.dataset.examples.splits import assign_splits, by_split, group_by_split
from train.dataset.formats import Score, Splits
from train.dataset.formats._record_files import Classes, LabelMaps, check_shards, count_records, is_record, is_shard
from train.dataset.formats._record_images import RecordImages
from train.files import tf_example, tfrecord

_SIDES = tuple(f"image/object/bbox/{side}" for side in ("xmin", "ymin", "xmax", "ymax"))

Features = dict[str, tf_example.Values]
Value = TypeVar("Value", int, float, memoryview)


@dataclass(frozen=True)
class _Object:
    """One box: `sides` are xmin, ymin, xmax, ymax, normalized to the image's size."""

    label: str
    sides: tuple[float, float, float, float]
    difficult: bool
    truncated: bool


@dataclass(frozen=True)
class _Entry:
    """One record without the bytes of its image. `location` names it in messages, `size` is (width, height)."""

    location: str
    part: str
    image: File
    size: tuple[int, int]
    objects: tuple[_Object, ...]


def score(folder: Path) -> Optional[Score]:
    """Returns how many records the TFRecord files below `folder` have; None if there are no such files."""
    records = [file for file in walk(folder) if is_record(file)]
    if not records:
        return None
    return Score(sum(map(count_records, records)), len(records), derived=True, inside=True, reason=str(records[0].name))


@by_evidence
def read(folder: Path) -> Splits:
    """Reads and checks the records below `folder`.

    Raises InputError if there are none, a file is damaged, too many records are bad, or the label map does
    not match the records.
    """
    files = list(walk(folder))
    records = [file for file in files if is_record(file)]
    if not records:
        raise InputError(f"{folder}: no TFRecord file in it; give the folder with the records and their label map")
    check_shards(records)
    problems = Problems()
    _check_empty(records, problems)
    reader = _Reader(LabelMaps(files), problems)
    entries = [entry for record in records for entry in reader.entries(record)]
    _check_readable(records, reader.unreadable)
    labels = reader.labels()
    names = _names(entries)
    ids = unique_ids(names.values())
    assembler = Assembler(problems)
    examples = group_by_split((entry.part, _example(entry, ids[names[entry.location]], assembler, problems)) for entry in entries)
    train, validation = assign_splits(examples, problems, by_split(record.name for record in records))
    lines = problems.check_limits(str(folder), reader.records, assembler.boxes)
    return Splits(train, validation, lines, labels)


def _check_empty(records: list[File], problems: Problems) -> None:
    """Notes whole files without a byte, which a script leaves that found no annotations.

    Raises InputError if all files of the training part are empty, or all files there are. Shards may be empty.
    """
    empty = [record for record in records if not record.path.stat().st_size]
    train = [record for record in records if split_of(record.name) == "train"]
    for files in (train, records):
        if files and all(file in empty for file in files):
            raise InputError(f"{files[0].name}: is empty; make it again")
    for record in empty:
        if not is_shard(record):
            problems.add_note(f"{record.name}: is empty")


def _check_readable(records: list[File], unreadable: dict[Path, str]) -> None:
    """Raises InputError if not one record of the training part, or of all files, could be read."""
    train = [record for record in records if split_of(record.name) == "train"]
    for files in (train, records):
        if files and all(file.name in unreadable for file in files):
            raise InputError(unreadable[files[0].name])


class _Reader:
    """Reads TFRecord files; `records` counts all records so far, good and bad.

    `unreadable` has the faults of files of which the first record is damaged, or that are none.
    """

    def __init__(self, maps: LabelMaps, problems: Problems) -> None:
        self.records = 0
        self.unreadable: dict[Path, str] = {}
        self._maps = maps
        self._problems = problems
        # For data without a label map: the class name of each number.
        self._texts: dict[int, str] = {}

    def labels(self) -> Optional[tuple[str, ...]]:
        """Returns the classes in the order of their numbers; None if the records have no class numbers."""
        names = self._maps.names() or dict(sorted(self._texts.items()))
        return tuple(dict.fromkeys(names.values())) or None

    def entries(self, record: File) -> Iterator[_Entry]:
        """Yields the entries of a file; reports records that cannot be used as problems.

        From a damaged record on a file cannot be read.
        """
        images = RecordImages(record)
        before = self.records
        try:
            with record.path.open("rb") as file:
                for number, data in enumerate(tfrecord.read(file, record.path.stat().st_size)):
                    self.records += 1
                    location = f"{record.name}: record {number}"
                    try:
                        yield self._entry(data, number, location, record, images)
                    except ValueError as error:
                        self._problems.add_file(f"{location} {error}")
        except OSError as error:
            raise InputError(f"{record.name}: cannot be read: {error.strerror}") from error
        except ValueError as error:
            message = f"{record.name}: {error}; copy or download it again"
            read = self.records - before
            if not read:
                self.unreadable[record.name] = message
            lost = max(1, count_records(record) - read)
            self.records += lost
            self._problems.add_file(message)
            for number in range(read + 1, read + lost):
                self._problems.add_file(f"{record.name}: record {number} comes after the damaged one")

    def _entry(self, data: bytes, number: int, location: str, record: File, images: RecordImages) -> _Entry:
        features = tf_example.decode(data)
        encoded = next(iter(features.get("image/encoded", [])), None)
        if not isinstance(encoded, memoryview) or not encoded:
            raise ValueError("has no image (image/encoded)")
        written = _text(features, "image/filename") or _text(features, "image/source_id")
        objects = self._objects(features, location, record)
        path = images.keep(encoded, written, number)
        width, height = (next(iter(_ints(features, f"image/{side}")), 0) for side in ("width", "height"))
        return _Entry(location, split_of(record.name), File(path, record.name / path.name), (width, height), objects)

    def _objects(self, features: Features, location: str, record: File) -> tuple[_Object, ...]:
        sides = [_floats(features, key) for key in _SIDES]
        count = len(sides[0])
        if any(len(side) != count for side in sides):
            raise ValueError("has boxes of which some have no side")
        labels = self._classes(features, count, location, record)
        flags = [_flags(features, key, count) for key in ("difficult", "truncated", "is_crowd")]
        crowds = sum(flags[2])
        if crowds:
            self._problems.add_note(
                f"{location}: {crowds} boxes around crowds left out, because they are not single objects"
            )
            if crowds == count:
                raise ValueError("has boxes around crowds only")
        return tuple(
            _Object(label, box, difficult, truncated)
            for label, box, difficult, truncated, crowd in zip(labels, zip(*sides), *flags)
            if not crowd
        )

    def _classes(self, features: Features, count: int, location: str, record: File) -> list[str]:
        texts = [" ".join(text.split()) for text in _texts(features, "image/object/class/text")]
        ids = _ints(features, "image/object/class/label")
        if not {len(texts), len(ids)} <= {0, count} or (count and not texts and not ids):
            raise ValueError(f"has {count} boxes, but {len(texts)} class names and {len(ids)} class numbers")
        pairs = list(_pairs(ids, texts, count))
        name, classes = self._maps.nearest_to(record, pairs)
        if classes:
            return [_mapped(classes, id, text, location, name) for id, text in pairs]
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
        canvas = assembler.canvas(entry.image, entry.location, entry.size, entry.part)
    except InputError as error:
        problems.add_file(str(error))
        return None
    items = [(f"{entry.location}: box {number}", item) for number, item in enumerate(entry.objects, 1)]
    return assembler.example(id, canvas, entry.location, items, lambda item: _box(item, canvas))


def _box(item: _Object, canvas: Canvas) -> LabelledBox:
    return labelled_box(canvas, item.label, item.sides, item.difficult, item.truncated, normalized=True)


def _names(entries: list[_Entry]) -> dict[str, Path]:
    """Returns by location a unique path for each record's image, as if it lay beside the TFRecord file."""
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
    """Returns the class name by the label map `name`. Raises InputError if it does not match the records."""
    if id is None:
        known = {spelling: item for item in classes.values() for spelling in item.spellings}
        if text is None or text not in known:
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


def _pairs(
    ids: Sequence[int], texts: Sequence[str], count: int
) -> Iterator[tuple[Optional[int], Optional[str]]]:
    none: list[None] = [None] * count
    return zip(ids or none, texts or none)


def _ints(features: Features, key: str) -> list[int]:
    return _of_type(features, key, int, "numbers")


def _floats(features: Features, key: str) -> list[float]:
    return _of_type(features, key, float, "numbers")


def _of_type(features: Features, key: str, kind: type[Value], name: str) -> list[Value]:
    values = features.get(key, [])
    found = [value for value in values if isinstance(value, kind)]
    if len(found) < len(values):
        raise ValueError(f"has something else than {name} in {key}")
    return found


def _flags(features: Features, key: str, count: int) -> list[bool]:
    values = _ints(features, f"image/object/{key}")
    return [value == 1 for value in values] if len(values) == count else [False] * count


def _texts(features: Features, key: str) -> list[str]:
    return [bytes(value).decode() for value in _of_type(features, key, memoryview, "text")]


def _text(features: Features, key: str) -> str:
    return next(iter(_texts(features, key)), "")
