"""The devices that a run trains on, by Model Garden's own distribution settings."""

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

# The kit's names, and Model Garden's.
_STRATEGIES = {
    None: "off",
    "one_device": "one_device",
    "mirrored": "mirrored",
    "multi_worker": "multi_worker_mirrored",
    "tpu": "tpu",
}


@dataclass(frozen=True)
class Devices:
    """Where this process trains, as one of `workers`; only the `chief` writes the run's folder."""

    strategy: tf.distribute.Strategy
    settings: config_definitions.RuntimeConfig
    workers: int = 1
    chief: bool = True

    @property
    def replicas(self) -> int:
        return self.strategy.num_replicas_in_sync


def connect(options: Options) -> Devices:
    """The devices that `options` name. Call it before anything else of TensorFlow runs.

    With several workers this waits until all are there. Raises InputError where the environment does
    not describe them, or where the batch cannot be shared out among them, and KitError where they
    cannot be reached.
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
        raise KitError(f"--strategy {kind}: these devices cannot be had: {first_line}") from error
    devices = Devices(strategy, settings, workers, strategy.extended.should_checkpoint)
    if options.batch % devices.replicas:
        raise InputError(f"--batch {options.batch} cannot be shared out evenly among {devices.replicas} devices")
    return devices


def runtime_settings(options: Options) -> config_definitions.RuntimeConfig:
    """Model Garden's settings for `options` on this machine."""
    # The library exchanges weights and their average under a strategy only.
    kind = options.strategy or ("one_device" if options.ema is not None else None)
    cards = len(tf.config.list_physical_devices("GPU"))
    used = {"mirrored": cards, "multi_worker": cards, "one_device": min(cards, 1)}.get(kind, 0)
    # The library keeps no average of the weights beside float16's scaled losses.
    half = "float16" if cards and kind != "tpu" and options.ema is None else "bfloat16"
    return config_definitions.RuntimeConfig(
        distribution_strategy=_STRATEGIES[kind],
        num_gpus=used,
        tpu=options.tpu if kind == "tpu" else None,
        mixed_precision_dtype=half if options.mixed_precision else None,
    )


@contextlib.contextmanager
def precision(settings: config_definitions.RuntimeConfig) -> Iterator[None]:
    """Within the block, networks are built to compute in the precision of `settings`."""
    before = tf_keras.mixed_precision.global_policy()
    if settings.mixed_precision_dtype:
        performance.set_mixed_precision_policy(settings.mixed_precision_dtype)
    try:
        yield
    finally:
        tf_keras.mixed_precision.set_global_policy(before)


def chief_value(value: float) -> float:
    """The chief's `value`, the same for all workers: what they decide by it, they decide alike."""
    strategy = tf.distribute.get_strategy()
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return value
    workers = _workers()
    mine = value if strategy.extended.should_checkpoint else 0.0
    summed = strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(lambda: tf.constant(mine)), axis=None)
    return float(summed) * workers / strategy.num_replicas_in_sync


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
        raise InputError(f"TF_CONFIG is not what TensorFlow expects: {error}") from error
