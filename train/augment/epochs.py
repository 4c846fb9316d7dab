"""The endless sequence of training records: shuffled epoch by epoch, and readable from any position.

The record at a position depends on the seed and the position only. So a run that is resumed continues with the images
that would have come next.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from train.augment.record_index import index
from train.layers.keras_types import without_autograph

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
    # What is shuffled is the numbers of the records, so that the images of an epoch need no memory.
    records = index(files)
    factors = _record_factors(records.integers(CLASSES), repeats) if repeats else None

    @without_autograph
    def epoch(number: tf.Tensor) -> tf.data.Dataset:
        seeds = tf.random.experimental.stateless_split(tf.stack([tf.cast(seed, tf.int64), number]), 2)
        numbers = tf.range(len(records.offset), dtype=tf.int64)
        if factors is not None:
            numbers = tf.repeat(numbers, _copies(factors, seeds[1]))
        # All pipelines draw the same order, and each takes its part of it.
        shuffled = tf.random.experimental.stateless_shuffle(numbers, seeds[0])
        return tf.data.Dataset.from_tensor_slices(shuffled[pipeline::pipelines][:share])

    @without_autograph
    def read(position: tf.Tensor, number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return position, records.read(number)

    epochs = tf.data.Dataset.range(first, tf.int64.max).flat_map(epoch)
    places = epochs.skip(start - first * share).enumerate(start)
    return places.map(read, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


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


def _record_factors(classes: Sequence[Sequence[int]], repeats: Sequence[float]) -> np.ndarray:
    """For each record the highest factor of its `classes`, which count from 1; float32, 1 for an image without boxes."""
    return np.array([max((repeats[number - 1] for number in image), default=1.0) for image in classes], np.float32)


def _copies(factors: np.ndarray, seed: tf.Tensor) -> tf.Tensor:
    """How often each record comes in one epoch, int64. The fraction of its factor is a probability."""
    whole = np.floor(factors)
    drawn = tf.random.stateless_uniform([len(factors)], seed)
    return tf.constant(whole, tf.int64) + tf.cast(drawn < factors - whole, tf.int64)
