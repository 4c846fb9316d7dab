"""The training task: its settings reach the input pipeline and the losses."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from runtime.boxes.tiles import Tiles
from runtime.common.values import Labels
from tests.support import detector_320
from train.augment import inputs
from train.augment.augmentation import Augmentation
from train.evaluation.coco import Image
from train.targets import losses
from train.targets.matching import Rule
from train.training.task import DataConfig, DetectionConfig, DetectionTask


@pytest.mark.parametrize("settings", [{}, {"class_weights": (2.0, 0.5)}, {"label_smoothing": 0.2}])
def test_the_loss_of_a_step_has_the_weights_and_the_smoothing_of_the_settings(settings, monkeypatch):
    rng = np.random.default_rng(0)
    codes, logits = (tf.Variable(rng.normal(0, 2, shape).astype(np.float32)) for shape in ((1, 5, 4), (1, 5, 3)))
    targets = {"codes": tf.zeros([1, 5, 4]), "classes": tf.constant([[0, 1, 2, 2, 0]])}
    expected, _ = losses.detection_losses(
        codes, logits, targets["codes"], targets["classes"],
        class_weights=settings.get("class_weights", ()), smoothing=settings.get("label_smoothing", 0.0),
    )  # fmt: skip
    task = DetectionTask(DetectionConfig(classes=2, **settings))
    monkeypatch.setattr(task, "outputs", lambda *_, **__: (codes, logits))
    model = SimpleNamespace(trainable_variables=[codes, logits], losses=[tf.constant(0.0)])
    metrics = task.build_metrics()
    task.train_step((tf.zeros([1, 8, 8, 3]), targets), model, tf_keras.optimizers.legacy.SGD(0.1), metrics)
    assert float(metrics[0].result()) == pytest.approx(float(expected), rel=1e-6)


def test_every_augmentation_of_the_settings_reaches_the_input_pipeline(monkeypatch):
    values = {
        field.name: 0.1 * number if field.type == "float" else False
        for number, field in enumerate(dataclasses.fields(Augmentation), start=1)
        if field.name != "tiles"
    }
    assert len(set(values.values())) == len(values)
    seen = {}
    monkeypatch.setattr(inputs, "training", lambda files, **options: seen.update(options))
    DetectionTask(DetectionConfig(classes=2)).build_inputs(DataConfig(is_training=True, **values))
    assert seen["augmentation"] == Augmentation(**values)
    DetectionTask(DetectionConfig(classes=2, tiles="2x1")).build_inputs(DataConfig(is_training=True, **values))
    assert seen["augmentation"] == Augmentation(tiles=Tiles(2, 1), **values)


def test_what_validation_finds_in_tiles_is_merged_in_pixels_of_the_image():
    task = DetectionTask(DetectionConfig(classes=1, tiles="2x1,whole=no"))
    task.ground_truth = SimpleNamespace(images=(Image("a/b", 180, 90), Image("c", 90, 90)), labels=Labels(("boat",)))
    # An object across the seam: tiles of 100 x 90 pixels begin at 0 and at 80.
    left, right = np.array([[0.1, 0.4, 0.5, 1.0]]), np.array([[0.1, 0.0, 0.5, 0.5]])
    label, nothing = np.zeros(1, int), (np.zeros((0, 4)), np.zeros(0), np.zeros(0, int))
    found = {
        "1/a/b": (right, np.array([0.8]), label), "0/c": nothing, "0/a/b": (left, np.array([0.6]), label), "1/c": nothing
    }  # fmt: skip
    merged = task._detections(found)
    assert merged["c"] == [] and len(merged["a/b"]) == 1
    assert merged["a/b"][0].box.as_tuple() == pytest.approx((40, 9, 130, 45)) and merged["a/b"][0].score == 0.8


@pytest.mark.parametrize("network", ["ssd_mobilenet_v2", "nanodet_plus_m"])
def test_the_losses_serve_every_function_that_trains(network):
    """The constants of a network's losses belong to none of them: training and its benchmark have one each."""
    task = DetectionTask(DetectionConfig(classes=2, network=network, size=(96, 96)))
    anchors = len(task.network.head(task.size).anchors)
    width = 32 if network == "nanodet_plus_m" else 4
    targets = task.network.assign(task.size, Rule())(tf.constant([[0.1, 0.1, 0.6, 0.7]]), tf.constant([2]))
    outputs = [tf.zeros([1, anchors, width]), tf.zeros([1, anchors, 2])] * 2

    def loss():
        return task._losses(outputs, {name: value[None] for name, value in targets.items()}, lambda number: number)

    first, second = (tf.function(lambda: loss())() for _ in range(2))
    assert [float(value) for value in first] == [float(value) for value in second]
