"""Input pipelines: from TFRecord files to batches for training and for validation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from runtime.boxes.tiles import Tiles
from runtime.common.errors import InputError
from train.augment import epochs, mosaic, preprocessing, tiles, zoom
from train.augment.augmentation import Augmentation, more, split
from train.augment.blur import blur
from train.augment.crop import crop, flip
from train.augment.orientation import rotate, vflip
from train.augment.photometric import hue, photometric
from train.geometry.size import InputSize
from train.layers.keras_types import without_autograph
from train.network.network import Network
from train.targets.matching import Rule

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
    network: Network,
    size: InputSize,
    batch: int,
    seed: int,
    first_step: int = 0,
    augmentation: Augmentation = Augmentation(),
    rule: Rule = Rule(),
    repeats: Sequence[float] = (),
    context: tf.distribute.InputContext | None = None,
) -> tf.data.Dataset:
    """Endless batches (images, targets) for training.

    Images are float32 [batch, height, width, 3] in -1..1. Targets are a dictionary of tensors (see `Network.assign`).
    The augmentation of an image depends only on `seed` and its
    position in the sequence.

    Args:
      files: TFRecord files.
      images: number of records in all files.
      network: the network that is trained.
      size: the size of its input.
      batch: images per step, over all replicas.
      seed: the seed of order and augmentation.
      first_step: the step to begin with; a run that is resumed goes on with the images that would have come next.
      augmentation: what is done to images besides crop and flip.
      rule: how anchors are matched with boxes.
      repeats: see `epochs.stream`.
      context: with several replicas, batches are one replica's share, and each input pipeline reads its own records.

    Raises InputError if there are fewer images than input pipelines, of which each worker has one.
    """
    assign = network.assign(size, rule)
    context = context or tf.distribute.InputContext()
    if images < context.num_input_pipelines:
        raise InputError(
            f"{images} images cannot be shared by {context.num_input_pipelines} workers; start {images} or fewer"
        )
    batch = context.get_per_replica_batch_size(batch)
    pipelines, pipeline = context.num_input_pipelines, context.input_pipeline_id
    start = first_step * batch * context.num_replicas_in_sync // pipelines
    # A mosaic uses a whole group, so reading begins at the start of the group that contains the first position.
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

    def seeds_at(position: tf.Tensor) -> list[tf.Tensor]:
        return split(tf.stack([tf.cast(seed + pipeline, tf.int64), position]), 6)

    def load(position: tf.Tensor, record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        image, boxes, classes, _ = parse(record)
        seeds = seeds_at(position)
        if augmentation.tiles is not None:
            image, boxes, classes = tiles.draw(image, boxes, classes, augmentation.tiles, more(seeds[0], 0))
        image, boxes, classes = crop(image, boxes, classes, seeds[0])
        if not augmentation.zooms:
            return position, preprocessing.resize(image, size), boxes, classes
        factor = zoom.factor(seeds[3], augmentation.scale_jitter, augmentation.expand)
        return position, *zoom.zoom(image, boxes, classes, factor, seeds[4], size)

    def finish(
        position: tf.Tensor, image: tf.Tensor, boxes: tf.Tensor, classes: tf.Tensor
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        seeds = seeds_at(position)
        image, boxes = flip(image, boxes, seeds[1])
        # Further steps draw from seeds of their own, so that the others give what they give without them.
        if augmentation.vflip:
            image, boxes = vflip(image, boxes, augmentation.vflip, more(seeds[1], 0))
        if augmentation.rotate:
            image, boxes = rotate(image, boxes, augmentation.rotate, more(seeds[1], 1))
            if not size.square:
                image, boxes, classes = zoom.fit(image, boxes, classes, more(seeds[1], 2), size)
        if augmentation.photometric:
            image = photometric(image, seeds[2])
        if augmentation.hue:
            image = hue(image, augmentation.hue, more(seeds[2], 0))
        if augmentation.blur:
            image = blur(image, augmentation.blur, more(seeds[2], 1))
        return preprocessing.normalize(image), assign(boxes, classes)

    def compose(
        position: tf.Tensor, number: tf.Tensor, images: tf.Tensor, boxes: tf.Tensor, classes: tf.Tensor
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        composed = mosaic.compose(number, images, boxes, classes, augmentation.mosaic, seeds_at(position)[5])
        return finish(position, *composed)

    if augmentation.mosaic:
        prepared = _parallel(mosaic.grouped(_parallel(records, load), size).skip(before), compose)
    else:
        prepared = _parallel(records, lambda position, record: finish(*load(position, record)))
    return prepared.batch(batch, drop_remainder=True).prefetch(2)


def validation(
    files: Sequence[str],
    *,
    images: int,
    network: Network,
    size: InputSize,
    batch: int,
    cut: Tiles | None = None,
    context: tf.distribute.InputContext | None = None,
) -> tf.data.Dataset:
    """One pass of batches (images, ids) for validation, without augmentation; ids are strings [batch].

    With tiles, `cut`, all windows of an image follow each other, each with an id from `window_id`. `batch` is the number of images per step over all replicas, as in `training`. Each worker reads all images, so that
    each knows the metrics. If a worker has several replicas, the first images are repeated at the end, so that all
    replicas have the same number of full batches.
    """
    context = context or tf.distribute.InputContext()
    batch = context.get_per_replica_batch_size(batch)
    replicas = context.num_replicas_in_sync // context.num_input_pipelines
    records = tf.data.TFRecordDataset(list(files))
    count = images * (1 if cut is None else cut.count)
    if replicas > 1:
        records = records.repeat()

    def prepare(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image, _, _, source = parse(record)
        return preprocessing.normalize(preprocessing.resize(image, size)), source

    def prepare_all(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        assert cut is not None
        image, _, _, source = parse(record)
        windows = tf.unstack(tiles.windows(image, cut), num=cut.count)
        parts = [preprocessing.normalize(preprocessing.resize(tiles.part(image, window), size)) for window in windows]
        return tf.stack(parts), tf.stack([tf.strings.join([f"{number}{_OF}", source]) for number in range(cut.count)])

    prepared = _parallel(records, prepare) if cut is None else _parallel(records, prepare_all).unbatch()
    if replicas > 1:
        prepared = prepared.take(-(-count // (batch * replicas)) * batch * replicas)
    return prepared.batch(batch, drop_remainder=replicas > 1).prefetch(1)


_OF = "/"


def window_id(id: str) -> tuple[int, str]:
    """The number of a window among those of its image, and the image's id, from an id of `validation` with tiles."""
    number, _, source = id.partition(_OF)
    return int(number), source


def parse(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Parses a serialized record to (image uint8 [H, W, 3] RGB, boxes [G, 4], classes int32 [G] from 1, id)."""
    fields = tf.io.parse_single_example(record, _FEATURES)
    sides = [tf.sparse.to_dense(fields[f"image/object/bbox/{side}"]) for side in ("ymin", "xmin", "ymax", "xmax")]
    classes = tf.cast(tf.sparse.to_dense(fields[epochs.CLASSES]), tf.int32)
    return preprocessing.decode(fields["image/encoded"]), tf.stack(sides, axis=1), classes, fields["image/source_id"]


def _parallel(elements: tf.data.Dataset, function: Callable[..., tuple[tf.Tensor, ...]]) -> tf.data.Dataset:
    plain = without_autograph(function)
    return elements.map(plain, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
