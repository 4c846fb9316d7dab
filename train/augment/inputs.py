"""From TFRecord shards to batches for training and for validation."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from train.augment import augmentation as augment
from train.augment import epochs, mosaic, preprocessing, zoom
from train.augment.augmentation import Augmentation
from train.models import matching
from train.models.anchors import anchors
from train.models.matching import Rule

_FEATURES = {
    "image/encoded": tf.io.FixedLenFeature([], tf.string),
    "image/source_id": tf.io.FixedLenFeature([], tf.string, ""),
    "image/object/bbox/ymin": tf.io.VarLenFeature(tf.float32),
    "image/object/bbox/xmin": tf.io.VarLenFeature(tf.float32),
    "image/object/bbox/ymax": tf.io.VarLenFeature(tf.float32),
    "image/object/bbox/xmax": tf.io.VarLenFeature(tf.float32),
    epochs.CLASSES: tf.io.VarLenFeature(tf.int64),
}


def training(
    files: Sequence[str],
    *,
    images: int,
    size: int,
    batch: int,
    seed: int,
    first_step: int = 0,
    augmentation: Augmentation = Augmentation(),
    rule: Rule = Rule(),
    repeats: Sequence[float] = (),
    context: tf.distribute.InputContext | None = None,
) -> tf.data.Dataset:
    """Endless batches (images, targets) for training, from the step `first_step` on.

    Images are float32 [batch, size, size, 3] in -1..1; targets a dictionary of `codes` float32
    [batch, A, 4] and `classes` int32 [batch, A] (see `matching.match`). What is drawn depends on
    `seed` and on the place in the sequence alone. `files` hold `images` records; `repeats` are those
    of `epochs.stream`. With a `context`, `batch` is the global batch: what comes is one replica's
    share of it, and each input pipeline reads records of its own.
    """
    table = tf.constant(anchors(size))
    context = context or tf.distribute.InputContext()
    batch = context.get_per_replica_batch_size(batch)
    pipelines, pipeline = context.num_input_pipelines, context.input_pipeline_id
    start = first_step * batch * context.num_replicas_in_sync // pipelines
    # Mosaics are made of groups, which are the same ones wherever training begins.
    before = start % mosaic.GROUP if augmentation.mosaic else 0
    records = epochs.stream(
        files,
        images=images,
        seed=seed,
        start=start - before,
        pipelines=pipelines,
        pipeline=pipeline,
        repeats=repeats,
    )

    def seeds_at(place):
        return augment.split(tf.stack([tf.cast(seed + pipeline, tf.int64), place]), 6)

    def load(place, record):
        image, boxes, classes, _ = parse(record)
        seeds = seeds_at(place)
        image, boxes, classes = augment.crop(image, boxes, classes, seeds[0])
        if not augmentation.zooms:
            return place, preprocessing.resize(image, size), boxes, classes
        factor = zoom.factor(seeds[3], augmentation.scale_jitter, augmentation.expand)
        return place, *zoom.zoom(image, boxes, classes, factor, seeds[4], size)

    def finish(place, image, boxes, classes):
        seeds = seeds_at(place)
        image, boxes = augment.flip(image, boxes, seeds[1])
        if augmentation.photometric:
            image = augment.photometric(image, seeds[2])
        codes, matched = matching.match(boxes, classes, table, rule)
        return preprocessing.normalise(image), {"codes": codes, "classes": matched}

    def compose(place, number, *group):
        composed = mosaic.compose(number, *group, augmentation.mosaic, seeds_at(place)[5])
        return finish(place, *composed)

    if augmentation.mosaic:
        prepared = _parallel(mosaic.grouped(_parallel(records, load), size).skip(before), compose)
    else:
        prepared = _parallel(records, lambda place, record: finish(*load(place, record)))
    return prepared.batch(batch, drop_remainder=True).prefetch(2)


def validation(
    files: Sequence[str],
    *,
    images: int,
    size: int,
    batch: int,
    context: tf.distribute.InputContext | None = None,
) -> tf.data.Dataset:
    """One pass of batches (images, ids): images as for training but unchanged, ids strings [batch].

    With a `context`, `batch` is the global batch, as for training. Each worker has all images: they
    validate side by side, and each knows the figures. Where a worker has several replicas, the first
    images come once more at the end, so that each replica has as many batches, and whole ones.
    """
    context = context or tf.distribute.InputContext()
    batch = context.get_per_replica_batch_size(batch)
    replicas = context.num_replicas_in_sync // context.num_input_pipelines
    records = tf.data.TFRecordDataset(list(files))
    if replicas > 1:
        records = records.repeat().take(-(-images // (batch * replicas)) * batch * replicas)

    def prepare(record):
        image, _, _, source = parse(record)
        return preprocessing.normalise(preprocessing.resize(image, size)), source

    return _parallel(records, prepare).batch(batch, drop_remainder=replicas > 1).prefetch(1)


def parse(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """A serialised record to (image uint8 [H, W, 3], boxes [G, 4], classes int32 [G] from 1, id)."""
    fields = tf.io.parse_single_example(record, _FEATURES)
    sides = [tf.sparse.to_dense(fields[f"image/object/bbox/{side}"]) for side in ("ymin", "xmin", "ymax", "xmax")]
    classes = tf.cast(tf.sparse.to_dense(fields[epochs.CLASSES]), tf.int32)
    return preprocessing.decode(fields["image/encoded"]), tf.stack(sides, axis=1), classes, fields["image/source_id"]


def _parallel(elements: tf.data.Dataset, function) -> tf.data.Dataset:
    # Nothing here branches on a tensor in Python's words; looking for that takes seconds of each start.
    plain = tf.autograph.experimental.do_not_convert(function)
    return elements.map(plain, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
