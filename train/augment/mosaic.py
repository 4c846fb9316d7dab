"""Mosaic augmentation: four training images as one (Bochkovskiy et al. 2020), with smaller and more objects.

The four images are members of one group of consecutive images. So each image is decoded only once, and mosaics cost
almost nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from train.augment.augmentation import split
from train.augment.zoom import as_sizes, resize, visible
from train.geometry.size import InputSize
from train.layers.keras_types import without_autograph

# Number of images in a group; the three other images of a mosaic are drawn from it.
GROUP = 16
_CENTRE = (0.3, 0.7)


def grouped(elements: tf.data.Dataset, size: InputSize) -> tf.data.Dataset:
    """Gives each element its group: (position, number, images, boxes, classes), for `compose`.

    `elements` are (position, image [*size, 3], boxes, classes). The first position must be a multiple of `GROUP`.
    """
    shapes: tuple[list[int | None], ...] = ([], [*size, 3], [None, 4], [None])

    @without_autograph
    def members(positions: tf.Tensor, images: tf.Tensor, boxes: tf.Tensor, classes: tf.Tensor) -> tf.data.Dataset:
        numbers = tf.data.Dataset.range(GROUP, output_type=tf.int32)
        return numbers.map(lambda number: (positions[number], number, images, boxes, classes))

    return elements.padded_batch(GROUP, padded_shapes=shapes, drop_remainder=True).flat_map(members)


def compose(
    number: tf.Tensor,
    images: tf.Tensor,
    boxes: tf.Tensor,
    classes: tf.Tensor,
    probability: float,
    seed: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Image `number` of a group, or with `probability` a mosaic of it and three others.

    Args:
      number: int32 scalar, index of the image in the group.
      images: float32 [G, H, W, 3].
      boxes: float32 [G, M, 4], (ymin, xmin, ymax, xmax) in 0..1.
      classes: int32 [G, M]; 0 marks padding.
      probability: of a mosaic.
      seed: two integers.

    Returns:
      Image float32 [H, W, 3], boxes and classes without padding.
    """
    seeds = split(seed, 4)

    def single() -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        kept = classes[number] > 0
        return images[number], tf.boolean_mask(boxes[number], kept), tf.boolean_mask(classes[number], kept)

    def four() -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        count = tf.shape(images)[0]
        others = tf.random.experimental.stateless_shuffle(tf.range(1, count), seeds[1])[:3]
        chosen = tf.concat([[number], (number + others) % count], axis=0)
        return _mosaic(tf.gather(images, chosen), tf.gather(boxes, chosen), tf.gather(classes, chosen), seeds[2:])

    composed: tuple[tf.Tensor, tf.Tensor, tf.Tensor] = tf.cond(
        tf.random.stateless_uniform([], seeds[0]) < probability, four, single
    )
    return composed


def _mosaic(
    images: tf.Tensor, boxes: tf.Tensor, classes: tf.Tensor, seeds: Sequence[tf.Tensor]
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Four images around a random centre, each cropped to the aspect of its quarter and scaled with its aspect kept."""
    whole_height, whole_width = images.shape[1:3]
    size = tf.constant([whole_height, whole_width], tf.float32)
    centre = tf.random.stateless_uniform([2], seeds[0], *_CENTRE)
    cy, cx = tf.unstack(tf.cast(tf.round(centre * size), tf.int32))
    offsets = tf.random.stateless_uniform([4, 2], seeds[1])
    below, beside = whole_height - cy, whole_width - cx
    quarters = ((0, 0, cy, cx), (0, cx, cy, beside), (cy, 0, below, cx), (cy, cx, below, beside))
    parts, kept_boxes, kept_classes = [], [], []
    for i, (top, left, height, width) in enumerate(quarters):
        sides = tf.cast(tf.stack([height, width]), tf.float32)
        # The largest window that has the quarter's aspect: it has the whole length of one side.
        longer = tf.argmax(sides / size)
        extent = tf.round(sides * size[longer] / sides[longer])
        begin = tf.floor(offsets[i] * (size - extent + 1.0))
        part = tf.slice(images[i], as_sizes(begin, 0), as_sizes(extent, 3))
        parts.append(resize(part, tf.stack([height, width])))
        labelled = classes[i] > 0
        inside = (tf.boolean_mask(boxes[i], labelled) * tf.tile(size, [2]) - tf.tile(begin, [2])) / tf.tile(extent, [2])
        inside, labels = visible(inside, tf.boolean_mask(classes[i], labelled))
        corner = tf.cast(tf.stack([top, left]), tf.float32)
        kept_boxes.append((inside * tf.tile(sides, [2]) + tf.tile(corner, [2])) / tf.tile(size, [2]))
        kept_classes.append(labels)
    rows = [tf.concat(parts[i : i + 2], axis=1) for i in (0, 2)]
    whole = tf.ensure_shape(tf.concat(rows, axis=0), [whole_height, whole_width, 3])
    return whole, tf.concat(kept_boxes, axis=0), tf.concat(kept_classes, axis=0)
