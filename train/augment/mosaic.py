"""Four training images as one (Bochkovskiy et al. 2020): smaller objects, and more of them.

Images come in groups, and the four are of one group: so each is decoded once, and the mosaics cost
next to nothing.
"""

from __future__ import annotations

import tensorflow as tf

from train.augment.augmentation import split
from train.augment.zoom import resize, visible

# Images in a group; three partners are drawn for each.
GROUP = 16
_CENTRE = (0.3, 0.7)


def grouped(elements: tf.data.Dataset, size: int) -> tf.data.Dataset:
    """Picks from (place, image [size, size, 3], boxes, classes) as `compose` takes them: an image and its group.

    The places of a group begin at a multiple of `GROUP`; so must those of `elements`.
    """
    shapes = ([], [size, size, 3], [None, 4], [None])

    @tf.autograph.experimental.do_not_convert
    def members(places, images, boxes, classes):
        numbers = tf.data.Dataset.range(GROUP, output_type=tf.int32)
        return numbers.map(lambda number: (places[number], number, images, boxes, classes))

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
      images: float32 [G, S, S, 3].
      boxes: float32 [G, M, 4], ymin, xmin, ymax, xmax in 0..1; a class of 0 fills up.
      classes: int32 [G, M].
    """
    seeds = split(seed, 4)

    def single():
        kept = classes[number] > 0
        return images[number], tf.boolean_mask(boxes[number], kept), tf.boolean_mask(classes[number], kept)

    def four():
        count = tf.shape(images)[0]
        others = tf.random.experimental.stateless_shuffle(tf.range(1, count), seeds[1])[:3]
        chosen = tf.concat([[number], (number + others) % count], axis=0)
        return _mosaic(tf.gather(images, chosen), tf.gather(boxes, chosen), tf.gather(classes, chosen), seeds[2:])

    return tf.cond(tf.random.stateless_uniform([], seeds[0]) < probability, four, single)


def _mosaic(images, boxes, classes, seeds):
    """Four images around a centre that is drawn, each cut to its quarter's aspect and scaled evenly."""
    size = images.shape[1]
    centre = tf.random.stateless_uniform([2], seeds[0], *_CENTRE)
    cy, cx = tf.unstack(tf.cast(tf.round(centre * size), tf.int32))
    places = tf.random.stateless_uniform([4, 2], seeds[1])
    quarters = ((0, 0, cy, cx), (0, cx, cy, size - cx), (cy, 0, size - cy, cx), (cy, cx, size - cy, size - cx))
    parts, kept_boxes, kept_classes = [], [], []
    for i, (top, left, height, width) in enumerate(quarters):
        sides = tf.cast(tf.stack([height, width]), tf.float32)
        extent = tf.round(sides * size / tf.reduce_max(sides))
        begin = tf.floor(places[i] * (size - extent + 1.0))
        part = tf.slice(images[i], _whole(begin, 0), _whole(extent, 3))
        parts.append(resize(part, tf.stack([height, width])))
        known = classes[i] > 0
        inside = (tf.boolean_mask(boxes[i], known) * size - tf.tile(begin, [2])) / tf.tile(extent, [2])
        inside, labels = visible(inside, tf.boolean_mask(classes[i], known))
        corner = tf.cast(tf.stack([top, left]), tf.float32)
        kept_boxes.append((inside * tf.tile(sides, [2]) + tf.tile(corner, [2])) / size)
        kept_classes.append(labels)
    rows = [tf.concat(parts[i : i + 2], axis=1) for i in (0, 2)]
    whole = tf.ensure_shape(tf.concat(rows, axis=0), [size, size, 3])
    return whole, tf.concat(kept_boxes, axis=0), tf.concat(kept_classes, axis=0)


def _whole(sides: tf.Tensor, last: int) -> tf.Tensor:
    return tf.concat([tf.cast(sides, tf.int32), [last]], axis=0)
