"""Training and validation of the detector as a Model Garden task.

The task has the network, inputs, losses and metrics. Model Garden's trainer has the loop, the distribution strategy,
checkpoints, summaries and the optimizer.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf
import tf_keras
from official.core import task_factory

from runtime.boxes import seams
from runtime.boxes.tiles import Tiles
from runtime.common.values import Detection
from train import models
from train.augment import inputs
from train.augment.augmentation import Augmentation
from train.checkpoints import variables
from train.evaluation.coco import GroundTruth
from train.evaluation.validation import Validation
from train.geometry.head import POSITIVE_IOU, Head
from train.geometry.size import InputSize
from train.layers.keras_types import Model, without_autograph
from train.network.network import LossSettings, Network
from train.targets import postprocessing
from train.targets.matching import Rule
from train.training import layer_learning_rates, model_garden_types

if TYPE_CHECKING:
    from train.network.network import Losses

_Metrics = Sequence[tf_keras.metrics.Metric]
# Boxes, scores and classes of one image (see `postprocessing.to_detections`).
_Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclasses.dataclass
class DataConfig(model_garden_types.DataConfig):
    """TFRecord files, the number of their images, and how batches are made of them.

    For the other fields, see `Augmentation`, `matching.Rule` and, for `repeats`, `epochs.stream`.
    """

    files: tuple[str, ...] = ()
    images: int = 0
    photometric: bool = True
    mosaic: float = 0.0
    scale_jitter: float = 0.0
    expand: float = 0.0
    hue: float = 0.0
    blur: float = 0.0
    vflip: float = 0.0
    rotate: float = 0.0
    repeats: tuple[float, ...] = ()
    match_iou: float = POSITIVE_IOU
    best_anchors: int = 1


@dataclasses.dataclass
class DetectionConfig(model_garden_types.TaskConfig):
    """The detector and its data.

    `network` is a name in `train.models`, and `size` its input as `InputSize.of` takes it. `init_checkpoint` is a
    checkpoint with the published keys, or "" to start from random values. `momentum` and
    `frozen_statistics` are those of `BatchNormSettings`, `auxiliary` that of `Network.new`, `backbone_rate` and
    `head_steps` those of `layer_learning_rates.factors`; with `more_classes` the checkpoint's classes are the first ones.
    `class_weights` and `label_smoothing` are those of `losses.detection_losses`. `tiles` are those that images are cut into
    as `Tiles.of` takes them, "" for whole images.
    """

    network: str = models.DEFAULT
    size: int | str = 320
    tiles: str = ""
    classes: int = 0
    momentum: float = 0.99
    frozen_statistics: bool = False
    auxiliary: bool = True
    backbone_rate: float = 1.0
    head_steps: int = 0
    class_weights: tuple[float, ...] = ()
    label_smoothing: float = 0.0
    init_checkpoint: str = ""
    more_classes: bool = False
    train_data: DataConfig = dataclasses.field(default_factory=DataConfig)
    validation_data: DataConfig = dataclasses.field(default_factory=DataConfig)


@task_factory.register_task_cls(DetectionConfig)
class DetectionTask(model_garden_types.Task):
    """Training of a network on labelled images.

    Attributes:
      ground_truth: the boxes that validation evaluates against; set before the first validation.
      first_step: number of steps that an earlier part of the run has done.
      validate_first: whether the network is validated before its first step.
      loaded: the variables that were taken from the initial checkpoint, if there is one.
      validation: result of the last validation; not set before the first one.
    """

    ground_truth: GroundTruth
    first_step: int = 0
    validate_first: bool = False
    loaded: variables.LoadedVariables | None = None
    validation: Validation

    @property
    def task_config(self) -> DetectionConfig:
        """The settings of the task."""
        config = super().task_config
        assert isinstance(config, DetectionConfig)
        return config

    @property
    def network(self) -> Network:
        """The network that is trained."""
        return models.find(self.task_config.network)

    @property
    def size(self) -> InputSize:
        """The size of its input."""
        return InputSize.of(self.task_config.size)

    @property
    def tiles(self) -> Tiles | None:
        """The tiles that images are cut into; None for whole images."""
        return Tiles.of(self.task_config.tiles) if self.task_config.tiles else None

    @functools.cached_property
    def _losses(self) -> Losses:
        config = self.task_config
        # Their constants serve every function that trains, not only the one that is traced first.
        with tf.init_scope():
            return self.network.losses(self.size, LossSettings(tuple(config.class_weights), config.label_smoothing))

    @functools.cached_property
    def _head(self) -> Head:
        return self.network.head(self.size)

    def build_model(self) -> Model:
        """A new model of the network, with its variables."""
        config = self.task_config
        return self.network.new(
            self.size,
            config.classes,
            momentum=config.momentum,
            frozen=config.frozen_statistics,
            auxiliary=config.auxiliary,
        )

    def initialize(self, model: Model) -> None:
        """Loads the initial checkpoint, if there is one."""
        if self.task_config.init_checkpoint:
            self.loaded = variables.load(
                model, self.task_config.init_checkpoint, more_classes=self.task_config.more_classes
            )

    def build_inputs(
        self, params: DataConfig, input_context: tf.distribute.InputContext | None = None
    ) -> tf.data.Dataset:
        """The batches of `params`, for training or for validation."""
        if not params.is_training:
            return inputs.validation(
                params.files,
                images=params.images,
                network=self.network,
                size=self.size,
                batch=params.global_batch_size,
                cut=self.tiles,
                context=input_context,
            )
        return inputs.training(
            params.files,
            images=params.images,
            network=self.network,
            size=self.size,
            batch=params.global_batch_size,
            seed=params.seed or 0,
            first_step=self.first_step,
            augmentation=Augmentation(
                tiles=self.tiles,
                **{
                    field.name: getattr(params, field.name)
                    for field in dataclasses.fields(Augmentation)
                    if field.name != "tiles"
                },
            ),
            rule=Rule(params.match_iou, params.best_anchors),
            repeats=params.repeats,
            context=input_context,
        )

    def build_metrics(self, training: bool = True) -> list[tf_keras.metrics.Metric]:
        """The mean losses of training. Validation has no Keras metrics."""
        if not training:
            return []
        return [tf_keras.metrics.Mean(name, dtype=tf.float32) for name in ("class_loss", "box_loss")]

    def outputs(self, model: Model, images: tf.Tensor, training: bool) -> tuple[tf.Tensor, ...]:
        """Box codes and class logits, as from the network's model, and in training what else its losses need."""
        return tuple(model(images, training=training))

    @without_autograph
    def train_step(
        self,
        inputs: tuple[tf.Tensor, Mapping[str, tf.Tensor]],
        model: Model,
        optimizer: tf_keras.optimizers.Optimizer,
        metrics: _Metrics | None = None,
    ) -> dict[str, tf.Tensor]:
        """One training step on `inputs`, a pair of images and targets (see `inputs.training`).

        Returns the loss with its L2 part. `metrics` are updated with class and box loss, without the L2 part.
        Each of several replicas divides by the positives of all replicas. So the sum of their losses, and of their
        gradients, is the same as on one device with the whole batch.
        """
        images, targets = inputs
        replica = tf.distribute.get_replica_context()
        replicas = replica.num_replicas_in_sync

        def sum_of_replicas(number: tf.Tensor) -> tf.Tensor:
            return replica.all_reduce(tf.distribute.ReduceOp.SUM, number) if replicas > 1 else number

        with tf.GradientTape() as tape:
            outputs = self._outputs(model, images, training=True)
            class_loss, box_loss = self._losses(outputs, targets, sum_of_replicas)
            loss = class_loss + box_loss + tf.add_n(model.losses or [tf.zeros([])]) / replicas
            # Small gradients are 0 in float16, unless the loss is scaled up.
            scaling = isinstance(optimizer, tf_keras.mixed_precision.LossScaleOptimizer)
            scaled_loss = optimizer.get_scaled_loss(loss) if scaling else loss
        gradients = tape.gradient(scaled_loss, model.trainable_variables)
        if scaling:
            gradients = optimizer.get_unscaled_gradients(gradients)
        gradients = self._by_layer(gradients, model, optimizer)
        optimizer.apply_gradients(list(zip(gradients, model.trainable_variables)))
        # Metrics are averaged over the replicas, but the losses of the replicas are parts of a sum.
        for metric, value in zip(metrics or (), (class_loss, box_loss)):
            metric.update_state(value * replicas)
        return {self.loss: loss * replicas}

    def _by_layer(
        self, gradients: list[tf.Tensor], model: Model, optimizer: tf_keras.optimizers.Optimizer
    ) -> list[tf.Tensor]:
        config = self.task_config
        if config.backbone_rate == 1.0 and not config.head_steps:
            return gradients
        factors = layer_learning_rates.factors(model, config.backbone_rate, config.head_steps, optimizer.iterations)
        # The gradient of a tensor of which columns are gathered, as folding does, is sparse and cannot be multiplied.
        return [tf.convert_to_tensor(gradient) * factor for gradient, factor in zip(gradients, factors)]

    @without_autograph
    def validation_step(
        self, inputs: tuple[tf.Tensor, tf.Tensor], model: Model, metrics: _Metrics | None = None
    ) -> dict[str, tf.Tensor]:
        """The detections for `inputs`, a pair of images and ids (see `inputs.validation`)."""
        images, ids = inputs
        codes, logits = self._outputs(model, images, training=False)[:2]
        found = postprocessing.detections(codes, logits[:, :, self.network.background :], self._head)
        return {"ids": ids, **found._asdict()}

    def _outputs(self, model: Model, images: tf.Tensor, training: bool) -> tuple[tf.Tensor, ...]:
        """The outputs in float32, also with mixed precision."""
        return tuple(tf.cast(output, tf.float32) for output in self.outputs(model, images, training))

    def aggregate_logs(
        self, state: dict[str, _Arrays] | None, step_logs: Mapping[str, Sequence[tf.Tensor]]
    ) -> dict[str, _Arrays]:
        """Adds the detections of a validation step to `state`, by the ids of `inputs.validation`."""
        collected = {} if state is None else state
        names = ("ids", *postprocessing.BatchDetections._fields)
        for replica in zip(*(step_logs[name] for name in names)):
            ids, boxes, scores, classes, count = (tensor.numpy() for tensor in replica)
            for i, id in enumerate(ids):
                collected[id.decode()] = (boxes[i, : count[i]], scores[i, : count[i]], classes[i, : count[i]])
        return collected

    def reduce_aggregated_logs(
        self, aggregated_logs: Mapping[str, _Arrays], global_step: tf.Tensor | None = None
    ) -> dict[str, float]:
        """The COCO metrics of the validation, without those that are None. Sets `validation`."""
        detections = self._detections(aggregated_logs)
        self.validation = Validation(self.ground_truth.measure(detections), detections)
        return {name: value for name, value in self.validation.metrics.figures.items() if value is not None}

    def _detections(self, found: Mapping[str, _Arrays]) -> dict[str, list[Detection]]:
        """What was found in each image, by its id, in its pixels; what was found in its tiles is merged."""
        sizes = {image.id: (image.width, image.height) for image in self.ground_truth.images}
        labels = self.ground_truth.labels
        if self.tiles is None:
            return {id: postprocessing.to_detections(*arrays, *sizes[id], labels) for id, arrays in found.items()}
        windows = {id: self.tiles.windows(*size) for id, size in sizes.items()}
        parts: dict[str, list[list[Detection]]] = {id: [[] for _ in cut] for id, cut in windows.items()}
        for window_id, arrays in found.items():
            number, id = inputs.window_id(window_id)
            window = windows[id][number]
            parts[id][number] = postprocessing.to_detections(*arrays, window.width, window.height, labels)
        return {id: list(seams.merge_all(parts[id], windows[id], *sizes[id])) for id in parts}
