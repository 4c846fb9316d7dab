"""Batches: the same for the same seed, other ones as training goes on, and shared out among pipelines."""

from __future__ import annotations

import itertools

import cv2
import detector_320  # noqa: F401
import numpy as np
import pytest
import tensorflow as tf
import voc_samples

from runtime.values import Labels
from train import inputs, records
from train.dataset import open_dataset

LEVELS = (20, 60, 100, 140, 180, 220)
LABELS = Labels(("cat",))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Records of six pictures with one box each."""
    folder = tmp_path_factory.mktemp("inputs")
    return build(voc_samples.data_set(folder / "data"), folder)


@pytest.fixture(scope="module")
def plain_files(tmp_path_factory):
    """Records of six pictures of one grey level each, by which they are known again."""
    folder = tmp_path_factory.mktemp("plain")
    data = voc_samples.data_set(folder / "data")
    for index, level in enumerate(LEVELS):
        cv2.imwrite(str(data / "images" / f"p{index}.jpg"), np.full((48, 64, 3), level, np.uint8))
    return build(data, folder)


def build(data, folder) -> list[str]:
    dataset = open_dataset(data)
    paths = records.build(dataset.train + dataset.validation, LABELS, cache=folder / "cache", progress=False)
    return [str(path) for path in paths]


def take(files, count: int, **options) -> list:
    options = {"size": 320, "batch": 2, "seed": 0, **options}
    return list(itertools.islice(inputs.training(files, **options).as_numpy_iterator(), count))


def levels(batches) -> list[int]:
    """Which plain pictures are in `batches`, in order."""
    means = [(image.mean() + 1) * 127.5 for images, _ in batches for image in images]
    return [min(LEVELS, key=lambda level: abs(level - mean)) for mean in means]


def test_shapes_and_ranges(files):
    (images, targets), *_ = take(files, 1)
    assert images.shape == (2, 320, 320, 3) and images.dtype == np.float32
    assert images.min() >= -1 and images.max() <= 1 and images.max() - images.min() > 0.2
    assert targets["codes"].shape == (2, 12804, 4) and targets["classes"].shape == (2, 12804)
    assert set(np.unique(targets["classes"])) == {0, 1}
    assert (targets["classes"].max(axis=1) == 1).all()


def test_the_seed_decides_everything(files):
    first, again, other = take(files, 4), take(files, 4), take(files, 4, seed=1)
    for (images, targets), (same_images, same_targets) in zip(first, again):
        np.testing.assert_array_equal(images, same_images)
        np.testing.assert_array_equal(targets["codes"], same_targets["codes"])
    assert not any(np.array_equal(a[0], b[0]) for a, b in zip(first, other))


def test_each_epoch_has_every_picture_in_another_order_and_form(plain_files, files):
    seen = levels(take(plain_files, 6, photometric=False))
    epochs = seen[:6], seen[6:]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(LEVELS)
    assert epochs[0] != epochs[1]
    images = np.concatenate([batch for batch, _ in take(files, 6)])
    assert len({image.tobytes() for image in images}) == 12


def test_a_batch_may_be_larger_than_the_data(plain_files):
    assert len(levels(take(plain_files, 1, batch=16))) == 16


def test_pipelines_share_the_pictures_out(plain_files):
    shares = []
    for number in range(2):
        context = tf.distribute.InputContext(2, number, num_replicas_in_sync=2)
        batches = take(plain_files, 6, batch=4, photometric=False, context=context)
        assert {len(images) for images, _ in batches} == {2}
        shares.append(set(levels(batches)))
    assert shares[0] | shares[1] == set(LEVELS) and not shares[0] & shares[1]


def test_photometric_can_be_left_out(plain_files):
    def spread(photometric: bool) -> float:
        batches = take(plain_files, 6, photometric=photometric)
        means = [(image.mean() + 1) * 127.5 for images, _ in batches for image in images]
        return max(min(abs(level - mean) for level in LEVELS) for mean in means)

    assert spread(False) < 2 < spread(True)


def test_validation_is_one_pass_of_unchanged_pictures(plain_files):
    batches = list(inputs.validation(plain_files, size=320, batch=4).as_numpy_iterator())
    assert [len(images) for images, _ in batches] == [4, 2]
    ids = [id.decode() for _, batch in batches for id in batch]
    assert sorted(ids) == [f"p{i}" for i in range(6)]
    assert levels(batches) == [LEVELS[int(id[1])] for id in ids]


def test_boxes_come_out_as_they_were_put_in(files):
    record = next(iter(tf.data.TFRecordDataset(files)))
    image, boxes, classes, id = inputs.parse(record)
    name, xmin, ymin, xmax, ymax = voc_samples.BOX
    np.testing.assert_allclose(boxes, [(ymin / 48, xmin / 64, ymax / 48, xmax / 64)], atol=1.1 / 48)
    assert image.shape == (48, 64, 3) and classes.numpy().tolist() == [1] and id.numpy().startswith(b"p")
