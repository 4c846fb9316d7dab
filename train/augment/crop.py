"""Random crop and horizontal flip of a training image and its boxes.

The functions depend on their arguments only, so that a run gives the same images however many threads prepare them. A
`seed` is two integers. Boxes are [G, 4] as (ymin, xmin, ymax, xmax) in 0..1.
"""

from __future__ import annotations

import tensorflow as tf

# The published crop: the whole image, or a window with at least three quarters of its area.
_AREA = (0.75, 1.0)
_ASPECT = (0.75, 3.0)
_ATTEMPTS = 100


def crop(
    image: tf.Tensor, boxes: tf.Tensor, classes: tf.Tensor, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Crops `image` [H, W, 3] to a random window with 0.75 to 1 of its area and an aspect ratio of 0.75 to 3.

    Returns image, boxes and classes. Boxes are clipped to the window, and those outside it are left out.
    """
    begin, extent, window = tf.image.stateless_sample_distorted_bounding_box(
        tf.shape(image),
        boxes[None],
        seed=seed,
        min_object_covered=0.0,
        aspect_ratio_range=_ASPECT,
        area_range=_AREA,
        max_attempts=_ATTEMPTS,
        use_image_if_no_bounding_boxes=True,
    )
    window = window[0, 0]
    sides = tf.tile(window[2:] - window[:2], [2])
    moved = tf.clip_by_value((boxes - tf.tile(window[:2], [2])) / sides, 0.0, 1.0)
    inside = tf.reduce_all(moved[:, 2:] > moved[:, :2], axis=1)
    return (
        tf.ensure_shape(tf.slice(image, begin, extent), [None, None, 3]),
        tf.boolean_mask(moved, inside),
        tf.boolean_mask(classes, inside),
    )


def flip(image: tf.Tensor, boxes: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mirrors `image` and `boxes` left to right with probability 0.5."""
    mirrored = tf.random.stateless_uniform([], seed) < 0.5
    ymin, xmin, ymax, xmax = tf.unstack(boxes, axis=1)
    mirrored_boxes = tf.stack([ymin, 1.0 - xmax, ymax, 1.0 - xmin], axis=1)
    image = tf.cond(mirrored, lambda: tf.reverse(image, [1]), lambda: image)
    return image, tf.where(mirrored, mirrored_boxes, boxes)
