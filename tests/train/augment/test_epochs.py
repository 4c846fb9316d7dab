"""The sequence of records: every image once per epoch, from any position on, rare classes more often."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import pytest
import tensorflow as tf

from tests.support import detector_320
from train.augment import epochs
from train.files import tf_example, tfrecord

# The classes of each of seven images, from 1: class 2 is rare, the last image has no box.
CLASSES = [[1], [1, 1], [1], [1, 2], [1], [1], []]


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp("records")
    paths = [str(folder / f"{part}.tfrecord") for part in range(3)]
    for part, path in enumerate(paths):
        with tf.io.TFRecordWriter(path) as writer:
            for number in range(part, len(CLASSES), 3):
                features = {
                    epochs.CLASSES: tf.train.Feature(int64_list=tf.train.Int64List(value=CLASSES[number])),
                    "number": tf.train.Feature(int64_list=tf.train.Int64List(value=[number])),
                }
                writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    return paths


def take(files, count: int, **options) -> list[tuple[int, int]]:
    """Place and number of the image, `count` times."""
    stream = epochs.stream(files, images=len(CLASSES), **{"seed": 0, **options}).as_numpy_iterator()
    return [
        (int(position), tf.train.Example.FromString(record).features.feature["number"].int64_list.value[0])
        for position, record in itertools.islice(stream, count)
    ]


@pytest.mark.parametrize("repeats", [(), (1.0, 2.5)])
def test_the_sequence_can_start_at_any_position(files, repeats):
    whole = take(files, 25, repeats=repeats)
    assert [position for position, _ in whole] == list(range(25))
    for start in (1, 7, 16):
        assert take(files, 25 - start, start=start, repeats=repeats) == whole[start:]
    assert take(files, 25, seed=1, repeats=repeats) != whole


def test_every_epoch_has_every_image_in_another_order(files):
    numbers = [number for _, number in take(files, 21)]
    thirds = [numbers[i : i + 7] for i in (0, 7, 14)]
    assert all(sorted(third) == list(range(7)) for third in thirds)
    assert len({tuple(third) for third in thirds}) == 3


def test_only_the_records_that_come_next_are_read(files, tmp_path):
    ((_, first),) = take(files, 1)
    damaged = [str(tmp_path / Path(path).name) for path in files]
    for path, copy in zip(files, damaged):
        data = bytearray(Path(path).read_bytes())
        with open(path, "rb", buffering=0) as file:
            for offset, length in tfrecord.places(file, len(data)):
                start = offset + tfrecord.HEAD_BYTES
                if tf_example.integers(bytes(data[start : start + length]), "number") != [first]:
                    data[start + length - 1] ^= 1
        Path(copy).write_bytes(data)
    assert take(damaged, 1) == [(0, first)]
    with pytest.raises(tf.errors.DataLossError):
        take(damaged, 2)


def test_pipelines_share_the_records_of_an_epoch(files):
    shares = [take(files, len(range(number, 7, 2)), pipelines=2, pipeline=number) for number in range(2)]
    numbers = [number for share in shares for _, number in share]
    assert sorted(numbers) == list(range(7))
    assert [position for position, _ in shares[0]] == [0, 1, 2, 3]


def test_rare_classes_come_more_often(files):
    counts = Counter(number for _, number in take(files, 700, repeats=(1.0, 2.5)))
    # Of 8.5 copies on average, 2.5 are of the image with the rare class.
    assert pytest.approx(counts[3], rel=0.12) == 700 * 2.5 / 8.5
    assert all(count == pytest.approx(700 / 8.5, rel=0.3) for number, count in counts.items() if number != 3)


def test_repeat_factors():
    classes = [[0, 0], [0], [0], [0, 1]]
    assert epochs.repeat_factors(classes, 3, 1.0) == pytest.approx((1.0, 2.0, 2.0))
    assert epochs.repeat_factors(classes, 2, 0.25) == (1.0, 1.0)
