"""Random changes to a training image and its boxes.

Every function takes a `seed` of two int32 and is a pure function of it: the same run gives the same
images, however many threads prepare them. Boxes are [G, 4] as ymin, xmin, ymax, xmax in 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf

# The published crop: the whole image or a window of at least three quarters of it.
_CROP_AREA = (0.75, 1.0)
_CROP_ASPECT = (0.75, 3.0)
_CROP_ATTEMPTS = 100

_BRIGHTNESS = 32.0
_CONTRAST = (0.6, 1.4)
_SATURATION = (0.6, 1.4)

_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Augmentation:
    """What is done to images besides crop and flip.

    `mosaic` and `expand` are probabilities (see `mosaic.compose`, `zoom.factor`); `scale_jitter` is by
    how much more or less than its whole size an image may be shown.
    """

    photometric: bool = True
    mosaic: float = 0.0
    scale_jitter: float = 0.0
    expand: float = 0.0

    @property
    def zooms(self) -> bool:
        return self.scale_jitter > 0.0 or self.expand > 0.0


def split(seed: tf.Tensor, count: int) -> list[tf.Tensor]:
    """`count` independent seeds from one."""
    return tf.unstack(tf.random.experimental.stateless_split(seed, count))


def crop(
    image: tf.Tensor, boxes: tf.Tensor, classes: tf.Tensor, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """A random window of `image`: area 0.75 to 1 of it, aspect 0.75 to 3.

    Boxes are clipped to the window, and left out with their classes where they lie outside it.
    """
    begin, extent, window = tf.image.stateless_sample_distorted_bounding_box(
        tf.shape(image),
        boxes[None],
        seed=seed,
        min_object_covered=0.0,
        aspect_ratio_range=_CROP_ASPECT,
        area_range=_CROP_AREA,
        max_attempts=_CROP_ATTEMPTS,
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
    """Mirrors left and right in every second image."""
    mirrored = tf.random.stateless_uniform([], seed) < 0.5
    ymin, xmin, ymax, xmax = tf.unstack(boxes, axis=1)
    turned = tf.stack([ymin, 1.0 - xmax, ymax, 1.0 - xmin], axis=1)
    image = tf.cond(mirrored, lambda: tf.reverse(image, [1]), lambda: image)
    return image, tf.where(mirrored, turned, boxes)


def photometric(image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Random brightness, contrast and saturation of a float image with values 0..255."""
    seeds = split(seed, 3)
    image = image + tf.random.stateless_uniform([], seeds[0], -_BRIGHTNESS, _BRIGHTNESS)
    mean = tf.reduce_mean(image)
    image = mean + (image - mean) * tf.random.stateless_uniform([], seeds[1], *_CONTRAST)
    grey = tf.tensordot(image, tf.constant(_LUMA), 1)[..., None]
    image = grey + (image - grey) * tf.random.stateless_uniform([], seeds[2], *_SATURATION)
    return tf.clip_by_value(image, 0.0, 255.0)
