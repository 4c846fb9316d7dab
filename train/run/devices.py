"""Devices that a run trains on, by the distribution strategies of Model Garden."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass

import tensorflow as tf
import tf_keras
from official.common import distribute_utils
from official.core import config_definitions
from official.modeling import performance

from runtime.common.errors import InputError, KitError
from train.run.options import Options

# Model Garden's name of each strategy.
_STRATEGIES: dict[str | None, str] = {
    None: "off",
    "one_device": "one_device",
    "mirrored": "mirrored",
    "multi_worker": "multi_worker_mirrored",
    "tpu": "tpu",
}


@dataclass(frozen=True)
class Devices:
    """The devices of this process, which is one of `workers`. Only the `chief` writes the run folder."""

    strategy: tf.distribute.Strategy
    settings: config_definitions.RuntimeConfig
    workers: int = 1
    chief: bool = True

    @property
    def replicas(self) -> int:
        """Number of replicas over all workers."""
        return int(self.strategy.num_replicas_in_sync)


def connect(options: Options) -> Devices:
    """Connects to the devices that `options` name. Call it before any other TensorFlow operation.

    With several workers, it waits until all are there. Raises InputError if TF_CONFIG does not name the workers or the
    batch cannot be divided among the replicas, and KitError if the devices are not available.
    """
    kind = options.strategy
    workers = _workers() if kind == "multi_worker" else 1
    settings = runtime_settings(options)
    try:
        strategy = distribute_utils.get_distribution_strategy(
            settings.distribution_strategy, num_gpus=settings.num_gpus, tpu_address=settings.tpu
        )
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        raise KitError(f"--strategy {kind}: these devices are not available: {first_line}") from error
    devices = Devices(strategy, settings, workers, strategy.extended.should_checkpoint)
    if options.batch % devices.replicas:
        raise InputError(f"--batch {options.batch} cannot be divided evenly among {devices.replicas} devices")
    return devices


def runtime_settings(options: Options) -> config_definitions.RuntimeConfig:
    """Model Garden's settings for `options` on this machine."""
    # Model Garden swaps the weights with their average only under a strategy.
    kind = options.strategy or ("one_device" if options.average_decay is not None else None)
    gpus = len(tf.config.list_physical_devices("GPU"))
    # Model Garden does not support a moving average together with the loss scaling that float16 needs.
    half = "float16" if gpus and kind != "tpu" and options.average_decay is None else "bfloat16"
    return config_definitions.RuntimeConfig(
        distribution_strategy=_STRATEGIES[kind],
        num_gpus=_gpus_used(kind, gpus),
        tpu=options.tpu if kind == "tpu" else None,
        mixed_precision_dtype=half if options.mixed_precision else None,
    )


def _gpus_used(kind: str | None, available: int) -> int:
    if kind in ("mirrored", "multi_worker"):
        return available
    return min(available, 1) if kind == "one_device" else 0


@contextlib.contextmanager
def precision(settings: config_definitions.RuntimeConfig) -> Iterator[None]:
    """Networks that are built within the block compute in the precision of `settings`."""
    before = tf_keras.mixed_precision.global_policy()
    if settings.mixed_precision_dtype:
        performance.set_mixed_precision_policy(settings.mixed_precision_dtype)
    try:
        yield
    finally:
        tf_keras.mixed_precision.set_global_policy(before)


def chief_value(value: float) -> float:
    """The chief's `value`, on all workers, so that they all come to the same decision. Without workers, `value`."""
    strategy = tf.distribute.get_strategy()
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return value
    workers = _workers()
    own = value if strategy.extended.should_checkpoint else 0.0
    summed = strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(lambda: tf.constant(own)), axis=None)
    return float(summed) * workers / int(strategy.num_replicas_in_sync)


def _workers() -> int:
    try:
        cluster = json.loads(os.environ["TF_CONFIG"])["cluster"]
        return sum(len(cluster.get(job, [])) for job in ("chief", "worker"))
    except KeyError as error:
        raise InputError(
            '--strategy multi_worker: TF_CONFIG must name the workers: {"cluster": {"worker": ["HOST:PORT", ...]},'
            ' "task": {"type": "worker", "index": N}}'
        ) from error
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f"TF_CONFIG is not in TensorFlow's format: {error}") from error
