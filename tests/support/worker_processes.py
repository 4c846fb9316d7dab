"""What training processes of tests run, besides the training command, and the environment of two workers."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import numpy as np

from tests.support.paths import ROOT

WARM_START = ROOT / "train" / "warm_start"
IMAGES = 2
CLASSES = 4


def one_step(arguments: list[str]) -> int:
    """Trains one step on fixed images, in one process or as one of several workers that share the images.

    The arguments are the strategy, or "", and the path to save the weights to.
    """
    import tensorflow as tf

    from train.checkpoints import variables
    from train.run import devices
    from train.run.options import Options
    from train.training import schedule
    from train.training.task import DetectionConfig, DetectionTask

    strategy, out = arguments
    placed = devices.connect(Options(batch=IMAGES, strategy=strategy or None))
    with placed.strategy.scope():
        # With batch statistics of their own, replicas would compute something else than one process.
        task = DetectionTask(DetectionConfig(classes=CLASSES, frozen_statistics=True, init_checkpoint=str(WARM_START)))
        model = task.build_model()
        task.initialize(model)
        optimizer = task.create_optimizer(schedule.optimizer_config(1, IMAGES, rate=0.05))
        metrics = task.build_metrics()
    share = slice(None)
    if placed.replicas > 1:
        worker = placed.strategy.cluster_resolver.task_id
        share = slice(worker, worker + 1)
    images, targets = batch()

    def step():
        part = tf.constant(images[share]), {name: tf.constant(values[share]) for name, values in targets.items()}
        return task.train_step(part, model, optimizer, metrics)

    placed.strategy.run(step)
    with placed.strategy.scope():
        variables.save(model, out)
        print(float(metrics[0].result()), float(metrics[1].result()))
    return 0


def train_impatiently(arguments: list[str]) -> int:
    """Trains the small network; a dead worker is noticed after 20 seconds instead of minutes."""
    from tensorflow.compiler.xla.tsl.protobuf import coordination_config_pb2
    from tensorflow.python.eager import context

    from tests.support import small_network

    context.context().configure_coordination_service(
        service_type="standalone",
        service_leader="/job:worker/replica:0/task:0",
        heartbeat_timeout_in_ms=20_000,
        coordinated_jobs=[coordination_config_pb2.CoordinatedJob(name="worker", num_tasks=2)],
    )
    return small_network.train(arguments)


def cluster() -> list[dict[str, str]]:
    """TF_CONFIG of two workers at free ports of this machine."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    hosts = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    tasks = [{"cluster": {"worker": hosts}, "task": {"type": "worker", "index": index}} for index in range(2)]
    return [{"TF_CONFIG": json.dumps(task)} for task in tasks]


def batch() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Two images of noise with targets: the first has many positive anchors, the second one."""
    from tests.support.anchors import anchors

    draw = np.random.default_rng(0)
    count = len(anchors(320))
    classes = np.zeros((IMAGES, count), np.int32)
    classes[0, 50:90] = draw.integers(1, CLASSES + 1, 40)
    classes[1, 700] = 2
    codes = draw.normal(size=(IMAGES, count, 4)).astype(np.float32) * (classes[..., None] > 0)
    return draw.uniform(-1, 1, (IMAGES, 320, 320, 3)).astype(np.float32), {"codes": codes, "classes": classes}
