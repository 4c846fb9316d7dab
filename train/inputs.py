"""From TFRecord shards to batches for training and for validation."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from train import augment, matching, preprocess
from train.anchors import anchors

# Records wait in the shuffle buffer still encoded, so that 4,096 of them are some hundred MB at most.
_SHUFFLE = 4096

_FEATURES = {
    "image/encoded": tf.io.FixedLenFeature([], tf.string),
    "image/source_id": tf.io.FixedLenFeature([], tf.string, ""),
    "image/object/bbox/ymin": tf.io.VarLenFeature(tf.float32),
    "image/object/bbox/xmin": tf.io.VarLenFeature(tf.float32),
    "image/object/bbox/ymax": tf.io.VarLenFeature(tf.float32),
    "image/object/bbox/xmax": tf.io.VarLenFeature(tf.float32),
    "image/object/class/label": tf.io.VarLenFeature(tf.int64),
}


def training(
    files: Sequence[str],
    *,
    size: int,
    batch: int,
    seed: int,
    photometric: bool = True,
    context: tf.distribute.InputContext | None = None,
) -> tf.data.Dataset:
    """Endless batches (images, targets) for training.

    Images are float32 [batch, size, size, 3] in -1..1; targets a dictionary of `codes` float32
    [batch, A, 4] and `classes` int32 [batch, A] (see `matching.match`). What is drawn depends on
    `seed` and on the place in the sequence alone. With a `context`, `batch` is the global batch and
    each input pipeline reads its share of the records.
    """
    table = tf.constant(anchors(size))
    records = tf.data.TFRecordDataset(list(files))
    if context is not None and context.num_input_pipelines > 1:
        records = records.shard(context.num_input_pipelines, context.input_pipeline_id)
        batch = context.get_per_replica_batch_size(batch)
        seed += context.input_pipeline_id
    records = records.shuffle(_SHUFFLE, seed=seed, reshuffle_each_iteration=True).repeat()

    def prepare(index, record):
        image, boxes, classes, _ = parse(record)
        seeds = augment.split(tf.stack([tf.cast(seed, tf.int64), index]), 3)
        image, boxes, classes = augment.crop(image, boxes, classes, seeds[0])
        image = preprocess.resize(image, size)
        image, boxes = augment.flip(image, boxes, seeds[1])
        if photometric:
            image = augment.photometric(image, seeds[2])
        codes, matched = matching.match(boxes, classes, table)
        return preprocess.normalise(image), {"codes": codes, "classes": matched}

    return (
        records.enumerate()
        .map(prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .batch(batch, drop_remainder=True)
        .prefetch(2)
    )


def validation(files: Sequence[str], *, size: int, batch: int) -> tf.data.Dataset:
    """One pass of batches (images, ids): images as for training but unchanged, ids strings [batch]."""

    def prepare(record):
        image, _, _, source = parse(record)
        return preprocess.normalise(preprocess.resize(image, size)), source

    records = tf.data.TFRecordDataset(list(files))
    return records.map(prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).batch(batch).prefetch(1)


def parse(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """A serialised record to (image uint8 [H, W, 3], boxes [G, 4], classes int32 [G] from 1, id)."""
    fields = tf.io.parse_single_example(record, _FEATURES)
    sides = [tf.sparse.to_dense(fields[f"image/object/bbox/{side}"]) for side in ("ymin", "xmin", "ymax", "xmax")]
    classes = tf.cast(tf.sparse.to_dense(fields["image/object/class/label"]), tf.int32)
    return preprocess.decode(fields["image/encoded"]), tf.stack(sides, axis=1), classes, fields["image/source_id"]
