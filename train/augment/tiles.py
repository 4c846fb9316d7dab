"""Training images and validation images cut into tiles, at the very pixels at which the runtime cuts them."""

from __future__ import annotations

import tensorflow as tf

from runtime.boxes.tiles import Tiles, spans
from train.augment.augmentation import split
from train.augment.zoom import visible

# Share of the draws that take any tile of an image; the others take one with an object, where there is one. Of images with
# a few objects most tiles are empty, and in use so are most of what the detector sees.
ANY = 0.2


def windows(image: tf.Tensor, tiles: Tiles) -> tf.Tensor:
    """The windows of `image` [H, W, 3]: int64 [N, 4] as (top, left, bottom, right), in the order of `Tiles.windows`."""
    height, width = (tf.cast(side, tf.int64) for side in tf.unstack(tf.shape(image)[:2]))
    across, down = spans(width, tiles.columns, tiles.overlap), spans(height, tiles.rows, tiles.overlap)
    made = [[top, left, bottom, right] for top, bottom in down for left, right in across]
    if tiles.whole:
        made.append([tf.constant(0, tf.int64), tf.constant(0, tf.int64), height, width])
    return tf.stack([tf.stack(sides) for sides in made])


def part(image: tf.Tensor, window: tf.Tensor) -> tf.Tensor:
    """What `window` [4], a row of `windows`, shows of `image` [H, W, 3]."""
    top, left, bottom, right = tf.unstack(window)
    return tf.ensure_shape(image[top:bottom, left:right], [None, None, 3])


def draw(
    image: tf.Tensor, boxes: tf.Tensor, classes: tf.Tensor, tiles: Tiles, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """One of the windows of `image` at random, with the boxes in it; `seed` is two integers.

    Boxes are [G, 4] as (ymin, xmin, ymax, xmax) in 0..1. They are clipped to the window; one of which less than a quarter
    is in it is left out. Four draws in five take a window with a box, if there is one.
    """
    seeds = split(seed, 2)
    all_windows = windows(image, tiles)
    moved = _moved(boxes, all_windows, tf.shape(image))
    counts = tf.stack([tf.size(visible(item, classes)[1]) for item in tf.unstack(moved, num=tiles.count)])
    filled = tf.where(counts > 0)[:, 0]
    wants_any = (tf.random.stateless_uniform([], seeds[0]) < ANY) | tf.equal(tf.size(filled), 0)
    choices = tf.cond(wants_any, lambda: tf.range(tiles.count, dtype=tf.int64), lambda: filled)
    drawn = tf.random.stateless_uniform([], seeds[1], 0, tf.size(choices), tf.int32)
    number = choices[drawn]
    return part(image, all_windows[number]), *visible(moved[number], classes)


def _moved(boxes: tf.Tensor, all_windows: tf.Tensor, shape: tf.Tensor) -> tf.Tensor:
    """Boxes [G, 4] relative to each of N windows: [N, G, 4]."""
    pixels = boxes * tf.cast(tf.tile(shape[:2], [2]), tf.float32)
    corners = tf.cast(all_windows, tf.float32)[:, None]
    sides = corners[..., 2:] - corners[..., :2]
    moved: tf.Tensor = (pixels[None] - tf.tile(corners[..., :2], [1, 1, 2])) / tf.tile(sides, [1, 1, 2])
    return moved
