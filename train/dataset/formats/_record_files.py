"""The TFRecord files of a data set and the label maps that belong to them."""

from __future__ import annotations

import re
import struct
from collections import defaultdict
from pathlib import Path

from runtime.common.errors import InputError
from train.dataset.examples import label_map
from train.dataset.examples.image_files import File, common_prefix_length
from train.dataset.examples.label_map import LabelMapItem

# Whole files, or shards as TensorFlow names them: train.tfrecord-00000-of-00010, train-00000-of-00010.tfrecord.
_RECORD = re.compile(r"\.(?:tf_?records?|records?)(?:-\d+-of-\d+)?$", re.IGNORECASE)
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
    """The label maps of a data set, which must not contradict each other.

    `names` maps class numbers to class names; it is empty if there is no label map.
    """

    def __init__(self, files: list[File]) -> None:
        maps = [file for file in files if file.suffix == ".pbtxt"]
        maps = [file for file in maps if "label" in file.name.name.lower()] or maps
        self._maps = {file.name: label_map.read(file.path, str(file.name)) for file in maps}
        self._check()
        merged = {id: item.label for classes in self._maps.values() for id, item in classes.items()}
        self.names = dict(sorted(merged.items()))

    def nearest_to(self, record: File) -> tuple[Path, Classes]:
        """Returns the name and the classes of the label map for `record`.

        That is the nearest one in the tree; of several, the one whose name begins most like the record's.
        Returns an empty path and no classes if there is no label map.
        """

        def rank(name: Path) -> tuple[int, int]:
            return common_prefix_length(record.name.parent.parts, name.parent.parts), common_prefix_length(
                tuple(record.name.name), tuple(name.name)
            )

        return max(self._maps.items(), key=lambda item: rank(item[0]), default=(Path(), {}))

    def _check(self) -> None:
        seen: dict[int, tuple[str, Path]] = {}
        for name, classes in self._maps.items():
            for id, item in classes.items():
                label, other = seen.setdefault(id, (item.label, name))
                if label != item.label:
                    raise InputError(
                        f"{name}: calls class {id} {item.label!r}, but {other} calls it {label!r};"
                        " keep the label map that belongs to the records"
                    )
