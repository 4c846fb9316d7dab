"""Images upside down and on their sides: boxes follow their pixels."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tests.support.white_rectangle import seed
from train.augment import zoom
from train.augment.orientation import rotate, vflip
from train.geometry.size import InputSize

SIDE = 24
# Not in the middle, and not square, so that each orientation is another place.
BOX = (2 / SIDE, 5 / SIDE, 8 / SIDE, 20 / SIDE)


def sample() -> tf.Tensor:
    image = np.zeros((SIDE, SIDE, 3), np.float32)
    image[2:8, 5:20] = 255
    return tf.constant(image)


def bounds(image) -> np.ndarray:
    rows, columns = np.nonzero(np.asarray(image)[..., 0] > 200)
    return np.array([rows.min(), columns.min(), rows.max() + 1, columns.max() + 1]) / SIDE


@pytest.mark.parametrize(("step", "places"), [(vflip, 2), (rotate, 4)])
def test_the_box_still_bounds_its_pixels_in_every_orientation(step, places):
    found = set()
    for number in range(30):
        image, boxes = step(sample(), tf.constant([BOX]), 0.75, seed(number))
        np.testing.assert_allclose(boxes[0], bounds(image), atol=1e-6)
        assert image.shape == (SIDE, SIDE, 3)
        found.add(tuple(np.round(boxes[0] * SIDE).astype(int)))
    assert len(found) == places


@pytest.mark.parametrize("step", [vflip, rotate])
def test_probability_and_seed_decide(step):
    def turned(probability: float) -> int:
        boxes = [step(sample(), tf.constant([BOX]), probability, seed(number))[1][0] for number in range(60)]
        return sum(not np.allclose(box, BOX) for box in boxes)

    assert (turned(0.0), turned(1.0)) == (0, 60)
    assert 8 < turned(0.3) < 30
    once, again = (step(sample(), tf.constant([BOX]), 0.5, seed(3)) for _ in range(2))
    np.testing.assert_array_equal(once[0], again[0])


def test_an_image_upside_down_is_no_rotation():
    """What was left stays left."""
    image, _ = vflip(sample(), tf.zeros([0, 4]), 1.0, seed(0))
    np.testing.assert_array_equal(image, sample()[::-1])


def test_all_turns_are_as_likely():
    corner = tf.constant([(0.0, 0.0, 0.1, 0.2)])
    ends = [tuple(np.round(rotate(sample(), corner, 1.0, seed(n))[1][0].numpy(), 2)) for n in range(90)]
    counts = [ends.count(end) for end in set(ends)]
    assert len(counts) == 3 and min(counts) > 15


# Not square, as the network's input may be; the box is rows 2 to 8 and columns 5 to 20.
WIDE = InputSize(16, 40)


def wide() -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    image = np.full((*WIDE, 3), 30, np.float32)
    image[2:8, 5:20] = 255
    return tf.constant(image), tf.constant([(2 / 16, 5 / 40, 8 / 16, 20 / 40)]), tf.constant([4])


def test_an_image_that_is_not_square_is_turned_on_its_side_at_its_own_scale():
    kept = set()
    for number in range(40):
        image, boxes, classes = wide()
        turned, moved = rotate(image, boxes, 1.0, seed(number))
        placed, moved, classes = zoom.fit(turned, moved, classes, seed(number), WIDE)
        placed, moved = placed.numpy(), moved.numpy() * np.array([*WIDE, *WIDE])
        assert placed.shape == (*WIDE, 3)
        on_its_side = (placed == zoom.GREY).any()
        assert (placed == zoom.GREY).all(axis=-1).sum() in (0, WIDE.height * (WIDE.width - WIDE.height))
        if not len(moved):
            assert on_its_side and classes.shape == (0,)
            kept.add("none")
            continue
        rows, columns = np.nonzero(placed[..., 0] > 200)
        found = np.array([rows.min(), columns.min(), rows.max() + 1, columns.max() + 1])
        np.testing.assert_allclose(moved[0], found, atol=1e-4)
        assert classes.numpy().tolist() == [4]
        sides = tuple(found[2:] - found[:2])
        # Of the 15 rows that the rectangle has on its side, some may be cut off.
        assert sides == (6, 15) if not on_its_side else sides[1] == 6 and 4 <= sides[0] <= 15
        kept.add("all" if sides[0] in (6, 15) else "a part")
    assert kept == {"all", "a part", "none"}


def test_what_has_the_size_already_stays():
    image, boxes, classes = zoom.fit(*wide(), seed(1), WIDE)
    np.testing.assert_array_equal(image, wide()[0])
    np.testing.assert_allclose(boxes, wide()[1], atol=1e-7)
    assert classes.numpy().tolist() == [4]


def test_vflip_of_an_image_that_is_not_square():
    image, boxes = vflip(*wide()[:2], 1.0, seed(0))
    np.testing.assert_array_equal(image, wide()[0][::-1])
    np.testing.assert_allclose(boxes, [(8 / 16, 5 / 40, 14 / 16, 20 / 40)])
