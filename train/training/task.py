"""Training and validation of the detector as a Model Garden task.

The task owns network, inputs, losses and metrics; Model Garden's trainer owns the loop, the
distribution strategy, checkpoints, summaries and the optimizer.
"""

from __future__ import annotations

import dataclasses

import tensorflow as tf
import tf_keras
from official.core import base_task, config_definitions, task_factory

from runtime.common.values import Detection
from train.augment import inputs
from train.augment.augmentation import Augmentation
from train.checkpoints import variables
from train.evaluation.coco import GroundTruth, Metrics
from train.models import losses, postprocessing
from train.models.anchors import POSITIVE_IOU, anchors
from train.models.layers import BatchNormSettings
from train.models.matching import Rule
from train.models.ssd_mobilenet_v2_fpnlite import Detector
from train.training import layer_learning_rates


@dataclasses.dataclass
class DataConfig(config_definitions.DataConfig):
    """Where the records are, how many images they hold, and how a batch is made of them.

    See `augment.Augmentation`, `matching.Rule` and, for `repeats`, `epochs.stream`.
    """

    files: tuple[str, ...] = ()
    images: int = 0
    photometric: bool = True
    mosaic: float = 0.0
    scale_jitter: float = 0.0
    expand: float = 0.0
    repeats: tuple[float, ...] = ()
    match_iou: float = POSITIVE_IOU
    best_anchors: int = 1


@dataclasses.dataclass
class DetectionConfig(config_definitions.TaskConfig):
    """The detector and its data.

    `init_checkpoint` is a checkpoint with the published keys, or "" to start from random values.
    `frozen_statistics` normalises by the stored statistics in training too. For the first
    `head_steps` steps only the heads learn; the backbone learns at `backbone_rate` times the rate.
    """

    size: int = 320
    classes: int = 0
    momentum: float = 0.99
    frozen_statistics: bool = False
    backbone_rate: float = 1.0
    head_steps: int = 0
    init_checkpoint: str = ""
    train_data: DataConfig = dataclasses.field(default_factory=DataConfig)
    validation_data: DataConfig = dataclasses.field(default_factory=DataConfig)


@task_factory.register_task_cls(DetectionConfig)
class DetectionTask(base_task.Task):
    """SSD MobileNet v2 FPNLite on labelled images.

    `ground_truth` and `first_step` are set by whoever starts the run: what validation measures
    against, and the number of steps that an earlier part of the run has done. Where `validate_first`,
    the network is worth something before its first step, and is validated then too.
    `loaded`, `metrics` and `found` are what the run reports: the variables taken from the initial
    checkpoint, and the figures and detections (by image id) of the last validation.
    """

    ground_truth: GroundTruth | None = None
    first_step: int = 0
    validate_first: bool = False
    loaded: variables.Loaded | None = None
    metrics: Metrics | None = None
    found: dict[str, list[Detection]] | None = None

    def build_model(self) -> Detector:
        config = self.task_config
        model = Detector(config.size, config.classes, BatchNormSettings(config.momentum, config.frozen_statistics))
        model(tf.zeros([1, config.size, config.size, 3]))
        self._anchors = tf.constant(anchors(config.size))
        return model

    def initialize(self, model: tf_keras.Model) -> None:
        if self.task_config.init_checkpoint:
            self.loaded = variables.load(model, self.task_config.init_checkpoint)

    def build_inputs(self, params: DataConfig, input_context=None) -> tf.data.Dataset:
        size = self.task_config.size
        if not params.is_training:
            return inputs.validation(
                params.files,
                images=params.images,
                size=size,
                batch=params.global_batch_size,
                context=input_context,
            )
        return inputs.training(
            params.files,
            images=params.images,
            size=size,
            batch=params.global_batch_size,
            seed=params.seed or 0,
            first_step=self.first_step,
            augmentation=Augmentation(params.photometric, params.mosaic, params.scale_jitter, params.expand),
            rule=Rule(params.match_iou, params.best_anchors),
            repeats=params.repeats,
            context=input_context,
        )

    def build_metrics(self, training: bool = True) -> list[tf_keras.metrics.Metric]:
        if not training:
            return []
        return [tf_keras.metrics.Mean(name, dtype=tf.float32) for name in ("class_loss", "box_loss")]

    def outputs(self, model: Detector, images: tf.Tensor, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """Box codes and class logits, as `Detector` gives them."""
        return model(images, training=training)

    # No step branches on a tensor in Python's words. Looking for that, in the network too, takes two
    # seconds of each start.
    @tf.autograph.experimental.do_not_convert
    def train_step(self, inputs, model, optimizer, metrics=None) -> dict[str, tf.Tensor]:
        """One step on (images, targets); the losses are logged apart, without the L2 part.

        Of several replicas, each divides by the positive anchors of them all. What they add up to is
        the loss, and the gradient, that one device would have had with the whole batch.
        """
        images, targets = inputs
        replica = tf.distribute.get_replica_context()
        replicas = replica.num_replicas_in_sync
        positives = losses.positive_anchors(targets["classes"])
        if replicas > 1:
            positives = replica.all_reduce(tf.distribute.ReduceOp.SUM, positives)
        with tf.GradientTape() as tape:
            codes, logits = self._outputs(model, images, training=True)
            class_loss, box_loss = losses.detection_losses(
                codes, logits, targets["codes"], targets["classes"], positives
            )
            loss = class_loss + box_loss + tf.add_n(model.losses) / replicas
            # float16 loses small gradients, unless they are of a larger loss.
            scaling = isinstance(optimizer, tf_keras.mixed_precision.LossScaleOptimizer)
            derived = optimizer.get_scaled_loss(loss) if scaling else loss
        gradients = tape.gradient(derived, model.trainable_variables)
        if scaling:
            gradients = optimizer.get_unscaled_gradients(gradients)
        gradients = self._by_layer(gradients, model, optimizer)
        optimizer.apply_gradients(list(zip(gradients, model.trainable_variables)))
        # Metrics take the mean over the replicas, whose losses are parts of a sum.
        for metric, value in zip(metrics or (), (class_loss, box_loss)):
            metric.update_state(value * replicas)
        return {self.loss: loss * replicas}

    def _by_layer(self, gradients, model: Detector, optimizer) -> list[tf.Tensor]:
        config = self.task_config
        if config.backbone_rate == 1.0 and not config.head_steps:
            return gradients
        factors = layer_learning_rates.factors(model, config.backbone_rate, config.head_steps, optimizer.iterations)
        return [gradient * factor for gradient, factor in zip(gradients, factors)]

    @tf.autograph.experimental.do_not_convert
    def validation_step(self, inputs, model, metrics=None) -> dict[str, tf.Tensor]:
        images, ids = inputs
        codes, logits = self._outputs(model, images, training=False)
        found = postprocessing.detections(codes, logits[:, :, 1:], self._anchors)
        return {"ids": ids, **found._asdict()}

    def _outputs(self, model: Detector, images: tf.Tensor, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """The outputs in float32, whatever precision the network computes in."""
        codes, logits = self.outputs(model, images, training)
        return tf.cast(codes, tf.float32), tf.cast(logits, tf.float32)

    def aggregate_logs(self, state, step_logs):
        """Collects what validation steps found, by image id."""
        found = {} if state is None else state
        names = ("ids", *postprocessing.Found._fields)
        for replica in zip(*(step_logs[name] for name in names)):
            ids, boxes, scores, classes, count = (tensor.numpy() for tensor in replica)
            for i, id in enumerate(ids):
                found[id.decode()] = (boxes[i, : count[i]], scores[i, : count[i]], classes[i, : count[i]])
        return found

    def reduce_aggregated_logs(self, aggregated_logs, global_step=None) -> dict[str, float]:
        """COCO figures of what the steps found; a figure without ground truth is left out."""
        sizes = {image.id: image for image in self.ground_truth.images}
        self.found = {
            id: postprocessing.to_detections(*arrays, sizes[id].width, sizes[id].height, self.ground_truth.labels)
            for id, arrays in aggregated_logs.items()
        }
        self.metrics = self.ground_truth.measure(self.found)
        return {name: value for name, value in self.metrics.figures.items() if value is not None}
