"""Fake quantization of a graph of a few operations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.support.anchors import head
from train.layers import tensorflow_setup

tensorflow_setup.prepare()

import tensorflow as tf  # noqa: E402

from train.graph.graph import Graph, Node  # noqa: E402
from train.quantization import fake_quantization  # noqa: E402
from train.quantization.quantization import Quantization, Range  # noqa: E402
from train.quantization.ranges import owners  # noqa: E402

DRAW = np.random.default_rng(0)


def convolution(name: str, source: str, channels: int, out: int, relu6: bool = False) -> Node:
    kernel = DRAW.normal(0, 0.5, (1, 1, channels, out)) * DRAW.uniform(0.1, 3, out)
    bias = DRAW.normal(0, 0.1, out)
    return Node(name, "conv", (source,), kernel.astype(np.float32), bias.astype(np.float32), 1, relu6)


def depthwise(name: str, source: str, channels: int) -> Node:
    kernel = DRAW.normal(0, 0.5, (3, 3, channels, 1)) * DRAW.uniform(0.1, 3, (channels, 1))
    return Node(name, "depthwise", (source,), kernel.astype(np.float32), np.zeros(channels, np.float32))


@pytest.fixture(scope="module")
def graph() -> Graph:
    nodes = (
        convolution("stem", "image", 3, 5, relu6=True),
        Node("up", "upsample", ("stem",)),
        depthwise("boxes_depthwise", "up", 5),
        convolution("boxes", "boxes_depthwise", 5, 24),
        convolution("classes", "up", 5, 12),
    )
    return Graph(nodes, ("boxes",), ("classes",), head(4), 2)


@pytest.fixture(scope="module")
def quantization(graph) -> Quantization:
    ranges = {name: Range(-30.0, 30.0) for name in owners(graph)}
    ranges |= {"image": Range(-1.0, 1.0), "stem": Range(0.0, 6.0), "up": Range(0.0, 6.0)}
    factors = {"boxes_depthwise": np.linspace(1, 9, 5, dtype=np.float32)}
    return Quantization(ranges, factors, "mse")


@pytest.fixture(scope="module")
def image() -> tf.Tensor:
    return tf.constant(DRAW.uniform(-1, 1, (2, 4, 4, 3)).astype(np.float32))


def test_kernels_have_255_steps_a_channel(graph):
    for before, after in zip(graph.nodes, fake_quantization.weights(graph).nodes):
        if before.kernel is None:
            continue
        axes = (0, 1, 3) if before.kind == "depthwise" else (0, 1, 2)
        step = np.abs(before.kernel).max(axes, keepdims=True) / 127
        steps = after.kernel.numpy() / step
        np.testing.assert_allclose(steps, np.round(steps), atol=1e-4)
        assert np.abs(np.round(steps)).max(axes).tolist() == [127] * step.size
        assert np.all(np.abs(after.kernel - before.kernel) <= step * 0.5001)
        np.testing.assert_array_equal(after.bias, before.bias)


def test_a_kernel_of_zeros_stays(graph):
    silent = replace(graph.find("boxes"), kernel=np.zeros((1, 1, 5, 24), np.float32))
    kernel = fake_quantization.weights(graph.with_nodes({"boxes": silent})).find("boxes").kernel
    assert not np.any(kernel.numpy())


def test_gradients_pass_the_rounding_and_stop_where_a_range_ends(graph, quantization, image):
    kernel = tf.Variable(graph.find("classes").kernel)
    free = graph.with_nodes({"classes": replace(graph.find("classes"), kernel=kernel)})
    wide = Quantization(quantization.ranges | {"classes": Range(-1e3, 1e3)}, quantization.factors, "mse")
    narrow = Quantization(quantization.ranges | {"classes": Range(-1e-6, 1e-6)}, quantization.factors, "mse")

    def gradient(found):
        with tf.GradientTape() as tape:
            _, (logits,) = fake_quantization.run(free, found, image)
            total = tf.reduce_sum(logits)
        return tape.gradient(total, kernel).numpy()

    assert np.all(gradient(wide) != 0)
    assert np.all(gradient(narrow) == 0)


def test_every_tensor_is_rounded_once_to_its_owners_range(graph):
    rounded = []
    hook = fake_quantization.hook(graph, lambda tensor, owner: rounded.append(owner) or tensor)
    for name in owners(graph):
        hook(name, tf.zeros([]))
    assert rounded == ["image", "stem", "boxes_depthwise", "boxes", "classes"], "what is upsampled is rounded already"


def test_fake_quantization_errors_are_small(graph, quantization, image):
    exact, (codes, logits) = graph.run(image), fake_quantization.run(graph, quantization, image)
    for (before,), (after,), name in zip(exact, (codes, logits), ("boxes", "classes")):
        step = quantization.ranges[name].step
        assert 0.1 * step < np.abs(after - before).mean() < 2 * step
        steps = after.numpy() / step
        np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)
