"""Devices: settings for Model Garden, workers from the environment, mixed precision."""

from __future__ import annotations

import json

import pytest
import tensorflow as tf
import tf_keras

from runtime.common.errors import InputError
from tests.support import detector_320
from train.run import devices
from train.run.options import STRATEGIES, Options
from train.training.task import DetectionConfig, DetectionTask


def test_every_strategy_has_its_settings():
    names = [devices.runtime_settings(Options(strategy=name)).distribution_strategy for name in (None, *STRATEGIES)]
    assert names == ["off", "one_device", "mirrored", "multi_worker_mirrored", "tpu"]
    assert devices.runtime_settings(Options(strategy="tpu", tpu="node-7")).tpu == "node-7"
    assert devices.runtime_settings(Options()).mixed_precision_dtype is None
    half = devices.runtime_settings(Options(mixed_precision=True)).mixed_precision_dtype
    assert half == ("float16" if tf.config.list_physical_devices("GPU") else "bfloat16")
    # Also where the average is the network's own.
    for options in (Options(mixed_precision=True, ema=0.9), Options(mixed_precision=True, model="nanodet_plus_m")):
        averaged = devices.runtime_settings(options)
        assert (averaged.distribution_strategy, averaged.mixed_precision_dtype) == ("one_device", "bfloat16")


@pytest.mark.parametrize("strategy", [None, "one_device", "mirrored"])
def test_on_this_machine_one_process_is_the_chief(strategy):
    placed = devices.connect(Options(strategy=strategy))
    assert placed.chief and placed.workers == 1 and placed.replicas >= 1
    with placed.strategy.scope():
        assert devices.chief_value(0.25) == 0.25


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "TF_CONFIG must name the workers"),
        ("{", "TF_CONFIG is not in TensorFlow"),
        ("[1]", "TF_CONFIG is not in TensorFlow"),
        (json.dumps({"task": {"type": "worker", "index": 0}}), "TF_CONFIG must name the workers"),
    ],
)
def test_a_missing_tf_config_is_an_error(value, message, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if value is not None:
        monkeypatch.setenv("TF_CONFIG", value)
    with pytest.raises(InputError, match=message):
        devices.connect(Options(strategy="multi_worker"))


def test_mixed_precision_keeps_float32_weights():
    settings = devices.runtime_settings(Options(mixed_precision=True, ema=0.9))
    task = DetectionTask(DetectionConfig(classes=1))
    with devices.precision(settings):
        model = task.build_model()
    assert tf_keras.mixed_precision.global_policy().name == "float32"
    images = tf.zeros([1, 320, 320, 3])
    assert {output.dtype for output in task.outputs(model, images, training=False)} == {tf.bfloat16}
    assert {output.dtype for output in task._outputs(model, images, training=False)} == {tf.float32}
    assert {variable.dtype for variable in model.variables} == {tf.float32}
