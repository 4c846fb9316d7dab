"""Input pipelines: reproducible by seed, different in every epoch, and divided among pipelines."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
import tensorflow as tf

from runtime.boxes.tiles import Tiles
from runtime.common.errors import InputError
from runtime.common.values import Labels
from tests.support import (
    detector_320,
    voc_samples,
)
from tests.support.anchors import anchors
from tests.support.detector_320 import NETWORK, SIZE
from train.augment import inputs
from train.augment.augmentation import Augmentation
from train.dataset.dataset import open_dataset
from train.geometry.size import InputSize
from train.records import writing

pytestmark = pytest.mark.long

LEVELS = (20, 60, 100, 140, 180, 220)
LABELS = Labels(("cat",))
PLAIN = Augmentation(photometric=False)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Records of six images with one box each."""
    folder = tmp_path_factory.mktemp("inputs")
    return build(voc_samples.data_set(folder / "data"), folder)


@pytest.fixture(scope="module")
def plain_files(tmp_path_factory):
    """Records of six images of one grey level each, by which they are known again."""
    folder = tmp_path_factory.mktemp("plain")
    data = voc_samples.data_set(folder / "data")
    for index, level in enumerate(LEVELS):
        cv2.imwrite(str(data / "images" / f"p{index}.jpg"), np.full((48, 64, 3), level, np.uint8))
    return build(data, folder)


def build(data, folder) -> list[str]:
    dataset = open_dataset(data)
    paths = writing.build(dataset.train + dataset.validation, LABELS, cache=folder / "cache", progress=False)
    return [str(path) for path in paths]


def take(files, count: int, **options) -> list:
    options = {"images": 6, "network": NETWORK, "size": SIZE, "batch": 2, "seed": 0, **options}
    return list(itertools.islice(inputs.training(files, **options).as_numpy_iterator(), count))


def levels(batches) -> list[int]:
    """Which plain images are in `batches`, in order."""
    means = [(image.mean() + 1) * 127.5 for images, _ in batches for image in images]
    return [min(LEVELS, key=lambda level: abs(level - mean)) for mean in means]


def test_shapes_and_ranges(files):
    (images, targets), *_ = take(files, 1)
    assert images.shape == (2, 320, 320, 3) and images.dtype == np.float32
    assert images.min() >= -1 and images.max() <= 1 and images.max() - images.min() > 0.2
    assert targets["codes"].shape == (2, 12804, 4) and targets["classes"].shape == (2, 12804)
    assert set(np.unique(targets["classes"])) == {0, 1}
    assert (targets["classes"].max(axis=1) == 1).all()


def test_an_input_that_is_not_square(files):
    everything = Augmentation(mosaic=0.5, scale_jitter=0.5, expand=0.3, hue=0.2, blur=0.5, vflip=0.5, rotate=0.9)
    size = InputSize(96, 160)
    # With the ends of images on their sides, boxes are cut off.
    for augmentation in (Augmentation(), everything):
        batches = take(files, 6, augmentation=augmentation, size=size)
        count = len(anchors("96x160"))
        assert {images.shape for images, _ in batches} == {(2, 96, 160, 3)}
        assert {targets["codes"].shape for _, targets in batches} == {(2, count, 4)}
        assert sum((targets["classes"].max(axis=1) == 1).sum() for _, targets in batches) > 6


def test_the_seed_decides_everything(files):
    first, again, other = take(files, 4), take(files, 4), take(files, 4, seed=1)
    for (images, targets), (same_images, same_targets) in zip(first, again):
        np.testing.assert_array_equal(images, same_images)
        np.testing.assert_array_equal(targets["codes"], same_targets["codes"])
    assert not any(np.array_equal(a[0], b[0]) for a, b in zip(first, other))


def test_each_epoch_has_every_image_in_another_order_and_form(plain_files, files):
    seen = levels(take(plain_files, 6, augmentation=PLAIN))
    epochs = seen[:6], seen[6:]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(LEVELS)
    assert epochs[0] != epochs[1]
    images = np.concatenate([batch for batch, _ in take(files, 6)])
    assert len({image.tobytes() for image in images}) == 12


def test_a_batch_may_be_larger_than_the_data(plain_files):
    assert len(levels(take(plain_files, 1, batch=16))) == 16


FURTHER = {"hue": 0.2, "blur": 1.0, "vflip": 1.0, "rotate": 1.0}


@pytest.mark.parametrize(
    "augmentation",
    [Augmentation(), Augmentation(mosaic=0.7, scale_jitter=0.5, expand=0.3, hue=0.2, blur=0.5, vflip=0.5, rotate=0.5)],
)
def test_a_step_later_on_begins_with_what_would_have_come(files, augmentation):
    all_steps = take(files, 10, augmentation=augmentation)
    for first_step in (3, 9):
        images, targets = take(files, 1, augmentation=augmentation, first_step=first_step)[0]
        np.testing.assert_array_equal(images, all_steps[first_step][0])
        np.testing.assert_array_equal(targets["codes"], all_steps[first_step][1]["codes"])


def test_tensorflows_global_seed_has_no_effect(files):
    batches = []
    for seed in (0, 5):
        tf.random.set_seed(seed)
        batches.append(take(files, 1)[0][0])
    np.testing.assert_array_equal(*batches)


def test_pipelines_read_different_images(plain_files):
    shares = []
    for number in range(2):
        context = tf.distribute.InputContext(2, number, num_replicas_in_sync=2)
        batches = take(plain_files, 6, batch=4, augmentation=PLAIN, context=context)
        assert {len(images) for images, _ in batches} == {2}
        shares.append(levels(batches))
        (later, _), *_ = take(plain_files, 1, batch=4, augmentation=PLAIN, context=context, first_step=4)
        np.testing.assert_array_equal(later, batches[4][0])
    for epoch in range(0, 12, 3):
        assert sorted(shares[0][epoch : epoch + 3] + shares[1][epoch : epoch + 3]) == list(LEVELS)


def test_more_pipelines_than_images_are_an_error(plain_files):
    for number in range(8):
        context = tf.distribute.InputContext(8, number, num_replicas_in_sync=8)
        with pytest.raises(InputError, match="6 images cannot be shared by 8 workers; start 6 or fewer"):
            take(plain_files, 1, batch=8, augmentation=PLAIN, context=context)


def test_replicas_of_one_pipeline_take_batches_in_turn(plain_files):
    context = tf.distribute.InputContext(1, 0, num_replicas_in_sync=2)
    batches = take(plain_files, 6, batch=4, context=context)
    assert {len(images) for images, _ in batches} == {2}
    later = take(plain_files, 2, batch=4, context=context, first_step=2)
    np.testing.assert_array_equal(later[0][0], batches[4][0])


def test_training_images_are_cropped_and_every_second_one_is_mirrored(tmp_path):
    """An image that grows brighter from left to right and from top to bottom says what was done to it."""
    data = voc_samples.data_set(tmp_path / "data")
    rows, columns = np.mgrid[:48, :64]
    for index in range(6):
        # No two are alike, as copies are not split.
        image = np.dstack([3 * columns, 4 * rows, 0 * rows + 20 * index]).astype(np.uint8)
        cv2.imwrite(str(data / "images" / f"p{index}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 100])
    images = np.concatenate([batch for batch, _ in take(build(data, tmp_path), 12, augmentation=PLAIN)])
    across = images[..., 2].mean(axis=1)
    mirrored = across[:, 0] > across[:, -1]
    assert 5 < mirrored.sum() < 19
    down = images[..., 1].mean(axis=2)
    assert (down[:, 0] < down[:, -1]).all(), "none is upside down"
    widths = np.abs(across[:, 0] - across[:, -1]) * 127.5 / 3 / 63
    heights = (down[:, -1] - down[:, 0]) * 127.5 / 4 / 47
    assert len(set(np.round(widths, 2))) > 4, "windows of other widths"
    assert ((widths * heights)[widths < 1.02] > 0.65).all() and (widths * heights).min() < 0.9


def test_photometric_can_be_left_out(plain_files):
    def spread(photometric: bool) -> float:
        batches = take(plain_files, 6, augmentation=Augmentation(photometric))
        means = [(image.mean() + 1) * 127.5 for images, _ in batches for image in images]
        return max(min(abs(level - mean) for level in LEVELS) for mean in means)

    assert spread(False) < 2 < spread(True)


@pytest.fixture(scope="module")
def plain(files) -> list:
    return take(files, 2)


@pytest.mark.parametrize("option", FURTHER)
def test_a_further_step_changes_nothing_but_what_it_does(files, plain, option):
    """The crops, flips and colours of a seed stay as they are without the step."""
    changed = take(files, 2, augmentation=Augmentation(**{option: FURTHER[option]}))
    for (before, boxes), (after, new_boxes) in zip(plain, changed):
        assert not np.array_equal(before, after)
        if option == "hue":
            np.testing.assert_array_equal(boxes["codes"], new_boxes["codes"])
            np.testing.assert_allclose(before.max(axis=-1), after.max(axis=-1), atol=1e-4)
        elif option == "blur":
            np.testing.assert_array_equal(boxes["codes"], new_boxes["codes"])
            np.testing.assert_allclose(before.mean(axis=(1, 2)), after.mean(axis=(1, 2)), atol=0.02)
        elif option == "vflip":
            np.testing.assert_allclose(before[:, ::-1], after, atol=1e-4)
        else:
            turns = [[np.allclose(np.rot90(a, k), b, atol=1e-4) for k in (1, 2, 3)] for a, b in zip(before, after)]
            assert [sum(found) for found in turns] == [1, 1]


def test_mosaics_and_other_scales_bring_more_and_other_boxes(files):
    def sizes(**options) -> np.ndarray:
        """The heights of all boxes, from their codes: those of the anchors that are positive."""
        batches = take(files, 8, augmentation=Augmentation(photometric=False, **options))
        table = anchors(320)
        heights = []
        for _, targets in batches:
            for codes, classes in zip(targets["codes"], targets["classes"]):
                positive = classes > 0
                heights.append(set(np.round(np.exp(codes[positive, 2] / 5) * table[positive, 2], 3).tolist()))
        return heights

    plain, small, mosaic = sizes(), sizes(expand=1.0), sizes(mosaic=1.0)
    assert all(len(image) == 1 for image in plain)
    assert np.mean([min(image) for image in small]) < 0.85 * np.mean([min(image) for image in plain])
    assert np.mean([len(image) for image in mosaic]) > 2


def test_validation_is_one_pass_of_unchanged_images(plain_files):
    batches = list(inputs.validation(plain_files, images=6, network=NETWORK, size=SIZE, batch=4).as_numpy_iterator())
    assert [len(images) for images, _ in batches] == [4, 2]
    ids = [id.decode() for _, batch in batches for id in batch]
    assert sorted(ids) == [f"p{i}" for i in range(6)]
    assert levels(batches) == [LEVELS[int(id[1])] for id in ids]


def test_validation_through_tiles_gives_every_window_of_every_image(plain_files):
    options = {"images": 6, "network": NETWORK, "size": SIZE, "batch": 4, "cut": Tiles(2, 1)}
    batches = list(inputs.validation(plain_files, **options).as_numpy_iterator())
    assert [len(images) for images, _ in batches] == [4, 4, 4, 4, 2]
    ids = [inputs.window_id(id.decode()) for _, batch in batches for id in batch]
    assert [number for number, _ in ids] == [0, 1, 2] * 6 and len({id for _, id in ids}) == 6
    # Each window is as plain as its image.
    assert levels(batches) == [level for level in levels(batches)[::3] for _ in range(3)]
    context = tf.distribute.InputContext(1, 0, num_replicas_in_sync=2)
    batches = list(inputs.validation(plain_files, **{**options, "batch": 8}, context=context).as_numpy_iterator())
    assert [len(images) for images, _ in batches] == [4] * 6, "as many whole batches for either, the first windows again"


def test_training_on_tiles_shows_other_parts(files):
    whole, tiled = (
        np.concatenate([images for images, _ in take(files, 6, augmentation=Augmentation(photometric=False, tiles=tiles))])
        for tiles in (None, Tiles(2, 2, whole=False))
    )
    assert whole.shape == tiled.shape and not np.array_equal(whole, tiled)


def test_several_replicas_get_as_many_whole_batches_each(plain_files):
    context = tf.distribute.InputContext(1, 0, num_replicas_in_sync=2)
    options = {"images": 6, "network": NETWORK, "size": SIZE, "batch": 4, "context": context}
    batches = list(inputs.validation(plain_files, **options).as_numpy_iterator())
    assert [len(images) for images, _ in batches] == [2, 2, 2, 2]
    ids = [id.decode() for _, batch in batches for id in batch]
    assert sorted(ids[:6]) == [f"p{i}" for i in range(6)] and ids[6:] == ids[:2]


def test_parse(files):
    record = next(iter(tf.data.TFRecordDataset(files)))
    image, boxes, classes, id = inputs.parse(record)
    _, xmin, ymin, xmax, ymax = voc_samples.BOX
    np.testing.assert_allclose(boxes, [(ymin / 48, xmin / 64, ymax / 48, xmax / 64)], atol=1.1 / 48)
    assert image.shape == (48, 64, 3) and classes.numpy().tolist() == [1] and id.numpy().startswith(b"p")
