"""Training sees the tiles that the runtime sees."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from runtime.boxes.tiles import Tiles, Window
from train.augment import tiles
from train.augment.zoom import LEAST_VISIBLE

GRIDS = ["2x1", "1x3", "2x2,overlap=0.37", "3x2,whole=no", "2x2,overlap=0.05"]
NO_BOXES = tf.zeros([0, 4]), tf.zeros([0], tf.int32)


def photo(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(width * height).integers(0, 256, (height, width, 3)).astype(np.uint8)


def seed(number: int) -> tf.Tensor:
    return tf.constant([5, number], tf.int32)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("size", [(64, 48), (7, 5), (333, 1), (1281, 719)])
def test_the_windows_are_those_of_the_runtime_to_the_pixel(grid, size):
    chosen, image = Tiles.of(grid), photo(*size)
    for window, wanted in zip(tiles.windows(tf.constant(image), chosen), chosen.windows(*size), strict=True):
        np.testing.assert_array_equal(tiles.part(tf.constant(image), window).numpy(), wanted.of(image))


def all_draws(image, boxes, classes, grid: str, count: int):
    """Of `count` draws, each with the number of its window."""
    chosen = Tiles.of(grid)
    known = {
        (window.width, window.height, wanted.tobytes()): number
        for number, window in enumerate(chosen.windows(image.shape[1], image.shape[0]))
        for wanted in [window.of(image)]
    }
    draw = tf.function(lambda key: tiles.draw(tf.constant(image), boxes, classes, chosen, key))
    for number in range(count):
        part, moved, kept = (tensor.numpy() for tensor in draw(seed(number)))
        yield known[part.shape[1], part.shape[0], part.tobytes()], moved, kept


def test_boxes_follow_their_pixels_and_go_back_to_where_they_were():
    image = photo(180, 90)
    sides = np.array([[5, 5, 30, 40], [30, 75, 60, 105], [60, 130, 85, 175]], np.float32)
    boxes, classes = tf.constant(sides / np.array([90, 180, 90, 180], np.float32)), tf.constant([1, 2, 3])
    seen = set()
    for number, moved, kept in all_draws(image, boxes, classes, "2x2", 60):
        window = Tiles.of("2x2").windows(180, 90)[number]
        seen.add(number)
        expected = {}
        for label, (top, left, bottom, right) in enumerate(sides.tolist(), 1):
            clipped = (
                max(top, window.top), max(left, window.left), min(bottom, window.bottom), min(right, window.right)
            )  # fmt: skip
            shown = max(clipped[2] - clipped[0], 0) * max(clipped[3] - clipped[1], 0)
            if shown >= LEAST_VISIBLE * (bottom - top) * (right - left):
                expected[label] = clipped
        assert kept.tolist() == list(expected)
        back = moved * ([window.height, window.width] * 2) + [window.top, window.left] * 2
        np.testing.assert_allclose(back, list(expected.values()), atol=1e-3)
    assert seen == set(range(5)), "every window is drawn, the whole image too"


def test_most_draws_have_an_object_and_some_have_none():
    image = photo(180, 90)
    boxes, classes = tf.constant([[0.02, 0.02, 0.1, 0.1]]), tf.constant([1])
    numbers = [number for number, _, _ in all_draws(image, boxes, classes, "2x2", 200)]
    empty = sum(number in (1, 2, 3) for number in numbers) / len(numbers)
    # Three windows of five are empty, and any may come in one draw of five.
    assert 0.06 < empty < 0.2 and {0, 4} <= set(numbers)


def test_an_image_without_objects_gives_any_of_its_windows():
    numbers = {number for number, _, _ in all_draws(photo(60, 30), *NO_BOXES, "2x1", 40)}
    assert numbers == {0, 1, 2}


def test_a_window_has_the_pixels_of_an_image_that_is_decoded():
    """Also where the length of an axis is known at run time only."""
    cut = tf.function(
        lambda image: tiles.part(image, tiles.windows(image, Tiles(3, 2))[4]),
        input_signature=[tf.TensorSpec([None, None, 3], tf.uint8)],
    )
    image = photo(101, 57)
    window: Window = Tiles(3, 2).windows(101, 57)[4]
    np.testing.assert_array_equal(cut(image).numpy(), window.of(image))
