"""The endless sequence of records that training reads: shuffled epoch by epoch, from any place on.

What stands at a place of the sequence depends on the seed and that place alone, so that a run that is
resumed goes on with the images that would have come next.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import tensorflow as tf

# Records wait in the shuffle buffer still encoded, so that 4,096 of them are some hundred MB at most.
_SHUFFLE = 4096

CLASSES = "image/object/class/label"


def stream(
    files: Sequence[str],
    *,
    images: int,
    seed: int,
    start: int = 0,
    pipelines: int = 1,
    pipeline: int = 0,
    repeats: Sequence[float] = (),
) -> tf.data.Dataset:
    """Endless pairs (place int64, serialised record) from the place `start` on.

    Each epoch has every record once. Of several `pipelines`, number `pipeline` has a share of the
    records of its own, and places of its own. `images` is the number of records in all files.
    With `repeats`, a factor from 1 on for each class, records come more often by the highest factor
    among their classes, and an epoch is as many records as there are, drawn from those.
    """
    mine = len(range(pipeline, images, pipelines))
    first = start // mine
    factors = tf.constant([1.0, *repeats])

    @tf.autograph.experimental.do_not_convert
    def epoch(number: tf.Tensor) -> tf.data.Dataset:
        # Else the seed that TensorFlow was given for everything would have a say, too.
        tf.compat.v1.set_random_seed(1)
        seeds = tf.random.experimental.stateless_split(tf.stack([tf.cast(seed, tf.int64), number]), 3)
        # Files in another order, so that what the buffer cannot mix comes from elsewhere each time.
        records = tf.data.TFRecordDataset(tf.random.experimental.stateless_shuffle(list(files), seeds[0]))
        records = records.shard(pipelines, pipeline)
        if repeats:
            records = records.enumerate().flat_map(lambda i, record: _copies(record, factors, seeds[2], i))
        shuffled = records.shuffle(_SHUFFLE, seed=tf.cast(seeds[1, 0], tf.int64), reshuffle_each_iteration=False)
        return shuffled.take(mine)

    numbers = tf.data.Dataset.range(first, tf.int64.max)
    return numbers.flat_map(epoch).skip(start - first * mine).enumerate(start)


def repeat_factors(classes: Sequence[Sequence[int]], count: int, share: float) -> tuple[float, ...]:
    """For each of `count` classes, how often images with it shall come (Gupta et al. 2019, LVIS).

    A class that fewer than `share` of the images have gets the square root of what it falls short
    by, others 1. `classes` are those of each image, from 0.
    """
    having = [0] * count
    for image in classes:
        for number in set(image):
            having[number] += 1
    return tuple(max(1.0, math.sqrt(share * len(classes) / max(number, 1))) for number in having)


def _copies(record: tf.Tensor, factors: tf.Tensor, seed: tf.Tensor, index: tf.Tensor) -> tf.data.Dataset:
    """`record` as often as the factor of its rarest class says; a fraction is a probability."""
    field = tf.io.parse_single_example(record, {CLASSES: tf.io.VarLenFeature(tf.int64)})[CLASSES]
    # Background's factor is 1, which an image without any box has too.
    factor = tf.reduce_max(tf.gather(factors, tf.concat([[0], field.values], axis=0)))
    drawn = tf.random.stateless_uniform([], tf.stack([tf.cast(seed[0], tf.int64), index]))
    more = tf.cast(drawn < factor - tf.floor(factor), tf.int64)
    return tf.data.Dataset.from_tensors(record).repeat(tf.cast(tf.floor(factor), tf.int64) + more)
