"""The TFRecord files of a data set and the label maps that belong to them."""

from __future__ import annotations

import re
import struct
from collections import defaultdict
from pathlib import Path
from typing import Optional

from runtime.common.errors import InputError
from train.dataset.examples import label_map
from train.dataset.examples.image_files import File, common_prefix_length
from train.dataset.examples.label_map import LabelMapItem

# Whole files, or shards as TensorFlow names them: train.tfrecord-00000-of-00010, train-00000-of-00010.tfrecord.
_RECORD = re.compile(r"\.(?:tf_?rec(?:ord)?s?|records?)(?:-\d+-of-\d+)?$", re.IGNORECASE)
_SHARD = re.compile(r"-(\d{3,})-of-(\d{3,})")

# The length of a record and its checksum; the data and four bytes follow.
_HEAD = struct.Struct("<QI")

Classes = dict[int, LabelMapItem]


def is_record(file: File) -> bool:
    """Returns True if the file has the name of a TFRecord file or shard."""
    return bool(_RECORD.search(file.name.name))


def is_shard(file: File) -> bool:
    """Returns True if the file has the name of one of several shards."""
    return bool(_SHARD.search(file.name.name))


def count_records(file: File) -> int:
    """Returns the number of whole records in a TFRecord file, by their lengths alone."""
    count = at = 0
    try:
        size = file.path.stat().st_size
        with file.path.open("rb", buffering=0) as opened:
            while at + _HEAD.size <= size:
                opened.seek(at)
                length, _ = _HEAD.unpack(opened.read(_HEAD.size))
                at += _HEAD.size + length + 4
                count += at <= size
    except (OSError, struct.error):
        pass
    return count


def check_shards(records: list[File]) -> None:
    """Raises InputError if one of a set of shards is missing."""
    sets = defaultdict(set)
    for file in records:
        if match := _SHARD.search(file.name.name):
            whole = file.name.with_name(_SHARD.sub(f"-*-of-{match[2]}", file.name.name))
            sets[whole, int(match[2])].add(int(match[1]))
    for (whole, count), found in sets.items():
        missing = next((number for number in range(min(count, len(found) + 1)) if number not in found), None)
        if missing is not None:
            raise InputError(f"{whole}: {len(found)} of {count} shards are here; number {missing} is missing")


class LabelMaps:
    """The label maps of a data set; those that its records need must not contradict each other."""

    def __init__(self, files: list[File]) -> None:
        self._files = [file for file in files if file.suffix == ".pbtxt"]
        self._read: dict[Path, Classes] = {}
        self._chosen: dict[Path, tuple[Path, Classes]] = {}

    def names(self) -> dict[int, str]:
        """Returns the class names by number of all maps that records needed; empty if they needed none.

        Raises InputError if two of them call one number differently.
        """
        seen: dict[int, tuple[str, Path]] = {}
        for name, classes in sorted(self._chosen.values(), key=lambda chosen: chosen[0]):
            for id, item in classes.items():
                label, other = seen.setdefault(id, (item.label, name))
                if label != item.label:
                    raise InputError(
                        f"{name}: calls class {id} {item.label!r}, but {other} calls it {label!r};"
                        " keep the label map that belongs to the records"
                    )
        return {id: label for id, (label, _) in sorted(seen.items())}

    def nearest_to(self, record: File, pairs: list[tuple[Optional[int], Optional[str]]]) -> tuple[Path, Classes]:
        """Returns the name and the classes of the label map for `record`, whose first boxes have `pairs` of id and name.

        That is the nearest one in the tree that has all of these classes, else the nearest. Of several, those with
        "label" in their names come first, then the one whose name begins most like the record's. Returns an empty path
        and no classes if there is no label map. Raises InputError if the only ones cannot be read.
        """
        if record.name not in self._chosen:
            found = self._choose(record, pairs)
            if not pairs:
                return found
            self._chosen[record.name] = found
        return self._chosen[record.name]

    def _choose(self, record: File, pairs: list[tuple[Optional[int], Optional[str]]]) -> tuple[Path, Classes]:
        def rank(file: File) -> tuple[bool, int, int]:
            return (
                "label" in file.name.name.lower(),
                common_prefix_length(record.name.parent.parts, file.name.parent.parts),
                common_prefix_length(tuple(record.name.name), tuple(file.name.name)),
            )

        first: Optional[tuple[Path, Classes]] = None
        fault: Optional[InputError] = None
        for file in sorted(self._files, key=rank, reverse=True):
            try:
                if file.name not in self._read:
                    self._read[file.name] = label_map.read(file.path, str(file.name))
            except InputError as error:
                # A graph in text form has the same suffix.
                if rank(file)[0]:
                    fault = fault or error
                continue
            classes = self._read[file.name]
            if all(_has(classes, id, text) for id, text in pairs):
                return file.name, classes
            first = first or (file.name, classes)
        if first is None and fault is not None:
            raise fault
        return first or (Path(), {})


def _has(classes: Classes, id: Optional[int], text: Optional[str]) -> bool:
    """Returns True if a label map has a class of this number and name, of which one may be unknown."""
    items = classes.values() if id is None else [classes[id]] if id in classes else []
    return any(not text or text in item.spellings for item in items)
