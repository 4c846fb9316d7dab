"""Images upside down and on their sides: boxes follow their pixels."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tests.support.white_rectangle import seed
from train.augment.orientation import rotate, vflip

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
