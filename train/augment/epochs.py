"""The endless sequence of training records: shuffled epoch by epoch, and readable from any position.

The record at a position depends on the seed and the position only. So a run that is resumed continues with the images
that would have come next.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import tensorflow as tf

from train.models.keras_types import without_autograph

# Size of the shuffle buffer. It holds encoded images, so that 4,096 records are some hundred MB at most.
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
    """Endless pairs (position int64, serialized record) from the position `start` on.

    Each epoch has every record once, unless `repeats` is given. Then a record comes more often by the highest factor
    among its classes, and an epoch is `images` records drawn from those.

    Args:
      files: TFRecord files.
      images: number of records in all files.
      seed: the seed of the order.
      start: first position.
      pipelines: number of input pipelines. Each reads its own share of the records, with its own positions.
      pipeline: index of this input pipeline.
      repeats: a factor of at least 1 for each class, as from `repeat_factors`.
    """
    share = len(range(pipeline, images, pipelines))
    first = start // share
    factors = tf.constant([1.0, *repeats])

    @without_autograph
    def epoch(number: tf.Tensor) -> tf.data.Dataset:
        # The order must not depend on TensorFlow's global seed.
        tf.compat.v1.set_random_seed(1)
        seeds = tf.random.experimental.stateless_split(tf.stack([tf.cast(seed, tf.int64), number]), 3)
        # The order of the files is shuffled, too, because the buffer mixes only records that are near each other.
        records = tf.data.TFRecordDataset(tf.random.experimental.stateless_shuffle(list(files), seeds[0]))
        records = records.shard(pipelines, pipeline)
        if repeats:
            records = records.enumerate().flat_map(lambda i, record: _copies(record, factors, seeds[2], i))
        shuffled = records.shuffle(_SHUFFLE, seed=tf.cast(seeds[1, 0], tf.int64), reshuffle_each_iteration=False)
        return shuffled.take(share)

    numbers = tf.data.Dataset.range(first, tf.int64.max)
    return numbers.flat_map(epoch).skip(start - first * share).enumerate(start)


def repeat_factors(classes: Sequence[Sequence[int]], count: int, share: float) -> tuple[float, ...]:
    """For each of `count` classes, the factor by which images with it are repeated (Gupta et al. 2019, LVIS).

    The factor is sqrt(`share` / f), where f is the fraction of images with the class, and at least 1. `classes` are the
    class indices of each image, from 0.
    """
    image_counts = [0] * count
    for image in classes:
        for number in set(image):
            image_counts[number] += 1
    return tuple(max(1.0, math.sqrt(share * len(classes) / max(number, 1))) for number in image_counts)


def _copies(record: tf.Tensor, factors: tf.Tensor, seed: tf.Tensor, index: tf.Tensor) -> tf.data.Dataset:
    """`record` repeated by the highest factor of its classes. The fraction of the factor is a probability."""
    field = tf.io.parse_single_example(record, {CLASSES: tf.io.VarLenFeature(tf.int64)})[CLASSES]
    # Entry 0 is the background, with factor 1. It makes the maximum 1 for an image without boxes.
    factor = tf.reduce_max(tf.gather(factors, tf.concat([[0], field.values], axis=0)))
    drawn = tf.random.stateless_uniform([], tf.stack([tf.cast(seed[0], tf.int64), index]))
    extra = tf.cast(drawn < factor - tf.floor(factor), tf.int64)
    return tf.data.Dataset.from_tensors(record).repeat(tf.cast(tf.floor(factor), tf.int64) + extra)
