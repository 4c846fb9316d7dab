"""Mosaic: four images of a group in one, with boxes that follow their pixels."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tests.support import detector_320
from train.augment import mosaic
from train.geometry.size import InputSize

SIZE, GROUP = 64, 6
# Each image of the group is black with a rectangle of a grey level of its own.
LEVELS = np.arange(100, 100 + 20 * GROUP, 20)
RECTANGLES = np.array([(8 + i, 4 * i, 40 + i, 20 + 4 * i) for i in range(GROUP)])


def seed(number: int) -> tf.Tensor:
    return tf.constant([5, number], tf.int32)


def group(width: int = SIZE) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    images = np.zeros((GROUP, SIZE, width, 3), np.float32)
    for image, level, (top, left, bottom, right) in zip(images, LEVELS, RECTANGLES):
        image[top:bottom, left:right] = level
    boxes = np.zeros((GROUP, 2, 4), np.float32)
    boxes[:, 0] = RECTANGLES / [SIZE, width, SIZE, width]
    classes = np.zeros((GROUP, 2), np.int32)
    classes[:, 0] = np.arange(1, GROUP + 1)
    return tf.constant(images), tf.constant(boxes), tf.constant(classes)


def composed(number: int, probability: float, drawn: int, width: int = SIZE):
    results = mosaic.compose(tf.constant(number), *group(width), probability, seed(drawn))
    return [result.numpy() for result in results]


@pytest.mark.parametrize("number", [0, 5])
def test_with_probability_zero_an_image_stays_as_it_is(number):
    image, boxes, classes = composed(number, 0.0, 1)
    np.testing.assert_array_equal(image, group()[0][number])
    np.testing.assert_allclose(boxes, [RECTANGLES[number] / SIZE])
    assert classes.tolist() == [number + 1]


@pytest.mark.parametrize(("width", "drawn"), [*((SIZE, drawn) for drawn in range(10)), (112, 0), (112, 1), (48, 2), (48, 3)])
def test_every_box_of_a_mosaic_bounds_its_own_rectangle(width, drawn):
    image, boxes, classes = composed(3, 1.0, drawn, width)
    assert image.shape == (SIZE, width, 3) and len(boxes) == len(classes) == len(set(classes)) > 0
    for box, label in zip(boxes * [SIZE, width, SIZE, width], classes):
        top, left, bottom, right = np.round(box).astype(int)
        # Away from the edges, which resizing blends.
        inside = image[top + 1 : bottom - 1, left + 1 : right - 1]
        assert inside.size and (np.abs(inside - LEVELS[label - 1]) <= 1).all()
        # Its edges, looked for nearby only: where others are blended they have its level too.
        above, before = max(0, top - 3), max(0, left - 3)
        near = np.abs(image[above : bottom + 3, before : right + 3, 0] - LEVELS[label - 1]) <= 1
        rows, columns = np.nonzero(near)
        drawn_box = np.array([rows.min(), columns.min(), rows.max() + 1, columns.max() + 1])
        np.testing.assert_allclose(box, drawn_box + np.array([above, before, above, before]), atol=1.01)


def test_a_mosaic_has_its_own_image_first_and_three_different_ones():
    partners = set()
    for drawn in range(20):
        _, boxes, classes = composed(2, 1.0, drawn)
        assert len(classes) <= 4
        partners |= set(classes.tolist())
        centre = 0.7 * SIZE + 1
        own = [box for box, label in zip(boxes, classes) if label == 3]
        assert all((box[2:] * SIZE <= centre).all() for box in own)
    assert partners == set(range(1, GROUP + 1))


def test_a_share_of_the_images_becomes_mosaics():
    def is_mosaic(drawn):
        return not np.array_equal(composed(0, 0.5, drawn)[0], group()[0][0])

    assert 8 < sum(is_mosaic(drawn) for drawn in range(30)) < 22


def test_groups_hold_every_image_once_and_keep_its_position():
    def element(position):
        image = tf.fill([SIZE, SIZE, 3], tf.cast(position, tf.float32))
        count = position % 3
        return position, image, tf.ones([count, 4]), tf.fill([count], 7)

    elements = tf.data.Dataset.range(mosaic.GROUP, 3 * mosaic.GROUP).map(element)
    for i, (position, number, images, boxes, classes) in enumerate(mosaic.grouped(elements, InputSize(SIZE, SIZE)).as_numpy_iterator()):
        assert position == mosaic.GROUP + i and number == i % mosaic.GROUP
        assert images[number, 0, 0, 0] == position and (classes[number] > 0).sum() == position % 3
        assert boxes.shape == (mosaic.GROUP, 2, 4)
    assert i == 2 * mosaic.GROUP - 1


def test_groups_of_images_that_are_not_square():
    element = (tf.zeros([24, 40, 3]), tf.ones([1, 4]), tf.constant([7]))
    elements = tf.data.Dataset.range(mosaic.GROUP).map(lambda position: (position, *element))
    _, _, images, _, _ = next(iter(mosaic.grouped(elements, InputSize(24, 40))))
    assert images.shape == (mosaic.GROUP, 24, 40, 3)


def of_one(images: np.ndarray, number: int, drawn: int) -> np.ndarray:
    """The mosaic of grey `images` [G, S, S] around the image `number`, [S, S]."""
    group = tf.constant(np.repeat(images[..., None], 3, axis=-1))
    nothing = tf.zeros([len(images), 0, 4]), tf.zeros([len(images), 0], tf.int32)
    return mosaic.compose(tf.constant(number), group, *nothing, 1.0, seed(drawn))[0].numpy()[..., 0]


def test_four_different_images_meet_in_a_point_of_the_middle():
    flat = np.full((GROUP, SIZE, SIZE), 10, np.float32) * np.arange(1, GROUP + 1, dtype=np.float32)[:, None, None]
    centres = []
    for drawn in range(20):
        image = of_one(flat, 4, drawn)
        corners = [image[0, 0], image[0, -1], image[-1, 0], image[-1, -1]]
        assert corners[0] == 50 and len(set(corners)) == 4
        y, x = (image[:, 0] == corners[0]).sum(), (image[0] == corners[0]).sum()
        for quarter, level in zip((image[:y, :x], image[:y, x:], image[y:, :x], image[y:, x:]), corners):
            assert (quarter == level).all()
        centres.append((y / SIZE, x / SIZE))
    low, high = np.min(centres, axis=0), np.max(centres, axis=0)
    assert (low > 0.29).all() and (low < 0.38).all() and (high > 0.62).all() and (high < 0.71).all()
    assert np.abs(np.diff(centres, axis=1)).max() > 0.1, "down and across are drawn by themselves"


def test_each_part_is_cut_from_anywhere_in_its_image():
    # Each pixel says in which row of its image it was.
    rows = np.broadcast_to(np.arange(SIZE, dtype=np.float32)[:, None], (GROUP, SIZE, SIZE))
    firsts = [of_one(rows, 0, drawn)[0] for drawn in range(20)]
    # The quarter that begins in the first column, and the one beside it.
    for column in (0, -1):
        tops = [first[column] for first in firsts]
        assert min(tops) <= 1 and max(tops) > 10 and len(set(tops)) > 5
