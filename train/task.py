"""Training and validation of the detector as a Model Garden task.

The task owns network, inputs, losses and metrics; Model Garden's trainer owns the loop, the
distribution strategy, checkpoints, summaries and the optimizer.
"""

from __future__ import annotations

import dataclasses

import tensorflow as tf
import tf_keras
from official.core import base_task, config_definitions, task_factory

from runtime.values import Detection
from train import checkpoints, inputs, losses, postprocess
from train.anchors import anchors
from train.coco import GroundTruth, Metrics
from train.layers import Normalisation
from train.network import Detector


@dataclasses.dataclass
class DataConfig(config_definitions.DataConfig):
    """Where the records are and how a batch is made of them."""

    files: tuple[str, ...] = ()
    photometric: bool = True


@dataclasses.dataclass
class DetectionConfig(config_definitions.TaskConfig):
    """The detector and its data.

    `init_checkpoint` is a checkpoint with the published keys, or "" to start from random values.
    `frozen_statistics` normalises by the stored statistics in training too.
    """

    size: int = 320
    classes: int = 0
    momentum: float = 0.99
    frozen_statistics: bool = False
    init_checkpoint: str = ""
    train_data: DataConfig = dataclasses.field(default_factory=DataConfig)
    validation_data: DataConfig = dataclasses.field(default_factory=DataConfig)


@task_factory.register_task_cls(DetectionConfig)
class DetectionTask(base_task.Task):
    """SSD MobileNet v2 FPNLite on labelled pictures.

    `ground_truth` is set by whoever starts the run: it holds what validation measures against.
    `loaded`, `metrics` and `found` are what the run reports: the variables taken from the initial
    checkpoint, and the figures and detections (by picture id) of the last validation.
    """

    ground_truth: GroundTruth | None = None
    loaded: checkpoints.Loaded | None = None
    metrics: Metrics | None = None
    found: dict[str, list[Detection]] | None = None

    def build_model(self) -> Detector:
        config = self.task_config
        model = Detector(config.size, config.classes, Normalisation(config.momentum, config.frozen_statistics))
        model(tf.zeros([1, config.size, config.size, 3]))
        self._anchors = tf.constant(anchors(config.size))
        return model

    def initialize(self, model: tf_keras.Model) -> None:
        if self.task_config.init_checkpoint:
            self.loaded = checkpoints.load(model, self.task_config.init_checkpoint)

    def build_inputs(self, params: DataConfig, input_context=None) -> tf.data.Dataset:
        size = self.task_config.size
        if not params.is_training:
            return inputs.validation(params.files, size=size, batch=params.global_batch_size)
        return inputs.training(
            params.files,
            size=size,
            batch=params.global_batch_size,
            seed=params.seed or 0,
            photometric=params.photometric,
            context=input_context,
        )

    def build_metrics(self, training: bool = True) -> list[tf_keras.metrics.Metric]:
        if not training:
            return []
        return [tf_keras.metrics.Mean(name, dtype=tf.float32) for name in ("class_loss", "box_loss")]

    def outputs(self, model: Detector, images: tf.Tensor, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """Box codes and class logits, as `Detector` gives them."""
        return model(images, training=training)

    def train_step(self, inputs, model, optimizer, metrics=None) -> dict[str, tf.Tensor]:
        """One step on (images, targets); the losses are logged apart, without the L2 part."""
        images, targets = inputs
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        with tf.GradientTape() as tape:
            codes, logits = self.outputs(model, images, training=True)
            class_loss, box_loss = losses.detection_losses(codes, logits, targets["codes"], targets["classes"])
            loss = class_loss + box_loss + tf.add_n(model.losses)
            # Replicas' gradients are added up, so that each may count for its share only.
            share = loss / replicas
        optimizer.apply_gradients(list(zip(tape.gradient(share, model.trainable_variables), model.trainable_variables)))
        for metric, value in zip(metrics or (), (class_loss, box_loss)):
            metric.update_state(value)
        return {self.loss: loss}

    def validation_step(self, inputs, model, metrics=None) -> dict[str, tf.Tensor]:
        images, ids = inputs
        codes, logits = self.outputs(model, images, training=False)
        found = postprocess.detections(codes, logits[:, :, 1:], self._anchors)
        return {"ids": ids, **found._asdict()}

    def aggregate_logs(self, state, step_logs):
        """Collects what validation steps found, by picture id."""
        found = {} if state is None else state
        names = ("ids", *postprocess.Found._fields)
        for replica in zip(*(step_logs[name] for name in names)):
            ids, boxes, scores, classes, count = (tensor.numpy() for tensor in replica)
            for i, id in enumerate(ids):
                found[id.decode()] = (boxes[i, : count[i]], scores[i, : count[i]], classes[i, : count[i]])
        return found

    def reduce_aggregated_logs(self, aggregated_logs, global_step=None) -> dict[str, float]:
        """COCO figures of what the steps found; a figure without ground truth is left out."""
        sizes = {picture.id: picture for picture in self.ground_truth.pictures}
        self.found = {
            id: postprocess.to_detections(*arrays, sizes[id].width, sizes[id].height, self.ground_truth.labels)
            for id, arrays in aggregated_logs.items()
        }
        self.metrics = self.ground_truth.measure(self.found)
        return {name: value for name, value in self.metrics.figures.items() if value is not None}
