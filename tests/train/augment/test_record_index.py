"""The index of records: it reads each record by its number, and their classes without their images."""

from __future__ import annotations

import pytest
import tensorflow as tf

from runtime.common.errors import KitError
from train.augment import record_index
from train.files import tf_example, tfrecord

RECORDS = [
    tf_example.encode({"image/encoded": (bytes, [b"x" * size]), "classes": (int, classes)})
    for size, classes in ((10, [1]), (100_000, [2, 300]), (1, []), (5000, [4]))
]


@pytest.fixture
def files(tmp_path) -> list[str]:
    """Three files with three, no and one record."""
    paths = []
    for name, records in (("a", RECORDS[:3]), ("b", []), ("c", RECORDS[3:])):
        paths.append(str(tmp_path / name))
        with open(paths[-1], "wb", buffering=0) as file, tfrecord.Writer(file) as writer:
            for record in records:
                writer.write([record])
    return paths


def test_records_are_read_by_their_numbers(files):
    index = record_index.index(files)
    assert index.length.tolist() == [len(record) for record in RECORDS]
    numbers = [3, 0, 2, 1, 1]
    read = tf.data.Dataset.from_tensor_slices(tf.constant(numbers, tf.int64)).map(index.read)
    assert list(read.as_numpy_iterator()) == [RECORDS[number] for number in numbers]


def test_integers_of_all_records(files):
    assert record_index.index(files).integers("classes") == [[1], [2, 300], [], [4]]
    assert record_index.index(files).integers("missing") == [[]] * 4


def test_a_damaged_file_is_named(files, tmp_path):
    path = tmp_path / "a"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(KitError, match="a: is cut off in record 2; remove its folder"):
        record_index.index(files)
    path.unlink()
    with pytest.raises(KitError, match="a: cannot read the records: No such file"):
        record_index.index(files)
