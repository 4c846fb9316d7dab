"""GPTQ rounding: errors of weights that cancel out."""

from __future__ import annotations

import weakref
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from convert.quantize import gptq_rounding
from tests.support.anchors import head
from train.graph.graph import Graph, Node, execute
from train.quantization import fake_quantization
from train.quantization.quantization import Range


def problem(seed: int, inputs: int = 48, outputs: int = 12, batch: int = 1):
    """Kernels [B, I, O], and inputs [B, P, I] that are correlated."""
    draw = np.random.default_rng(seed)
    mixing = draw.normal(size=(batch, inputs // 4, inputs))
    seen = draw.normal(size=(batch, 2000, inputs // 4)) @ mixing + 0.05 * draw.normal(size=(batch, 2000, inputs))
    return draw.normal(size=(batch, inputs, outputs)), seen


def error(kernels, rounded, seen):
    return np.mean(np.square(seen @ (rounded - kernels)))


def nearest(kernels):
    step = np.abs(kernels).max(axis=1, keepdims=True) / 127
    return np.round(kernels / step) * step


@pytest.mark.parametrize("inputs", [9, 48, 200])
def test_errors_cancel_out(inputs):
    kernels, seen = problem(0, inputs, batch=3)
    rounded = gptq_rounding.compensate(kernels, seen.transpose(0, 2, 1) @ seen)
    assert error(kernels, rounded, seen) < 0.35 * error(kernels, nearest(kernels), seen)


def test_every_weight_lies_on_a_step_that_the_converter_finds_again():
    kernels, seen = problem(1)
    kernels[0, :, 3] = 0
    rounded = gptq_rounding.compensate(kernels, seen.transpose(0, 2, 1) @ seen)
    np.testing.assert_allclose(np.abs(rounded).max(axis=1), np.abs(kernels).max(axis=1), rtol=1e-6)
    np.testing.assert_allclose(rounded, nearest(rounded + 1e-30), atol=1e-6)
    assert not rounded[0, :, 3].any()


def test_uncorrelated_inputs_give_nearest_rounding():
    kernels, _ = problem(2)
    np.testing.assert_allclose(gptq_rounding.compensate(kernels, np.eye(48)[None]), nearest(kernels), atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "stride", "side"), [("conv", 1, 1), ("conv", 2, 3), ("depthwise", 1, 3), ("depthwise", 2, 3)]
)
def test_taps_are_what_the_convolution_reads(kind, stride, side, monkeypatch):
    """All positions together, weighted by the kernel, are the convolution's output."""
    monkeypatch.setitem(gptq_rounding._POSITIONS, kind, 10_000)
    draw = np.random.default_rng(4)
    kernel = draw.normal(size=(side, side, 5, 1 if kind == "depthwise" else 7)).astype(np.float32)
    node = Node("n", kind, ("image",), kernel, np.zeros(5 if kind == "depthwise" else 7, np.float32), stride)
    source = draw.normal(size=(2, 9, 12, 5)).astype(np.float32)
    flat = kernel.reshape(side * side, 5, -1)
    taps = gptq_rounding._taps(node, [tf.constant(image[None]) for image in source])
    if kind == "depthwise":
        made = sum(tap * weights[:, 0] for tap, weights in zip(taps, flat))
    else:
        made = sum(tap @ weights for tap, weights in zip(taps, flat))
    wanted = execute(node, [tf.constant(source)]).numpy().reshape(-1, made.shape[1])
    np.testing.assert_allclose(made[np.lexsort(made.T)], wanted[np.lexsort(wanted.T)], atol=1e-5)


def test_a_graph_of_rounded_kernels_computes_nearly_the_same():
    draw = np.random.default_rng(5)
    nodes = (
        Node("a", "depthwise", ("image",), draw.normal(size=(3, 3, 3, 1)).astype(np.float32), np.zeros(3, np.float32)),
        Node("b", "conv", ("a",), draw.normal(size=(1, 1, 3, 24)).astype(np.float32), np.zeros(24, np.float32)),
        Node("c", "conv", ("b",), draw.normal(size=(1, 1, 24, 24)).astype(np.float32), np.zeros(24, np.float32)),
    )
    graph = Graph(nodes, ("c",), ("b",), head(32), 4)
    images = tf.image.resize(draw.uniform(-1, 1, (6, 4, 4, 3)), (32, 32)).numpy()
    exact = outputs(graph, images)
    ranges = {name: Range(float(tf.reduce_min(x)), float(tf.reduce_max(x))) for name, x in exact.items()}
    before = [node.kernel.copy() for node in nodes]

    rounded = gptq_rounding.round_kernels(graph, ranges, images[:, None])

    def loss(other):
        return float(tf.reduce_mean(tf.square(outputs(other, images)["c"] - exact["c"])))

    assert loss(rounded) < 0.5 * loss(fake_quantization.weights(graph))
    for node, kernel in zip(graph.nodes, before):
        np.testing.assert_array_equal(node.kernel, kernel)
    assert [node.name for node in rounded.nodes] == ["a", "b", "c"]


def test_a_kernel_of_many_inputs_is_rounded_tap_by_tap(monkeypatch):
    draw = np.random.default_rng(8)
    kernel = draw.normal(size=(3, 3, 12, 6)).astype(np.float32)
    node = Node("n", "conv", ("image",), kernel, np.zeros(6, np.float32))
    # Channels that go together, so that errors can cancel out.
    images = (draw.normal(size=(4, 16, 16, 3)) @ draw.normal(size=(3, 12))).astype(np.float32)
    sources = [tf.constant(image[None]) for image in images]
    wanted = execute(node, [tf.constant(images)])

    def loss(rounded: np.ndarray) -> float:
        return float(tf.reduce_mean(tf.square(execute(replace(node, kernel=rounded), [tf.constant(images)]) - wanted)))

    steps = np.abs(kernel).max(axis=(0, 1, 2)) / 127
    nearest = np.round(kernel / steps) * steps
    monkeypatch.setattr(gptq_rounding, "_MOST_INPUTS", 100)
    rounded = gptq_rounding._kernel(node, sources)
    np.testing.assert_allclose(rounded / steps, np.round(rounded / steps), atol=1e-3)
    np.testing.assert_allclose(np.abs(rounded).max(axis=(0, 1, 2)), 127 * steps, rtol=1e-6)
    assert loss(rounded) < 0.5 * loss(nearest)


def outputs(graph, images):
    values = {}
    graph.run(tf.constant(images), lambda name, x: values.setdefault(name, x))
    return values


def test_a_layer_is_computed_image_by_image_and_its_input_let_go(monkeypatch):
    """Beside what one layer makes of all images, no more lives than a few images' worth."""
    draw = np.random.default_rng(6)
    wide = 16
    shapes = [(1, 1, 3, wide), *[(1, 1, wide, wide)] * 4]
    names = ["image", *"abcde"]
    nodes = tuple(
        Node(name, "conv", (before,), draw.normal(size=shape).astype(np.float32), np.zeros(wide, np.float32))
        for before, name, shape in zip(names, names[1:], shapes)
    )
    # The third is added to the last, and has to live until then.
    nodes += (Node("sum", "add", ("c", "e")),)
    images = draw.uniform(-1, 1, (12, 8, 8, 3)).astype(np.float32)
    ranges = {name: Range(-4.0, 4.0) for name in (*names, "sum")}
    one = 8 * 8 * wide * 4
    live, most = [0], {}

    def counted(node, inputs):
        assert {len(x) for x in inputs} == {1}
        made = execute(node, inputs)
        live[0] += one
        weakref.finalize(made, lambda: live.__setitem__(0, live[0] - one))
        most[node.name] = max(most.get(node.name, 0), live[0])
        return made

    def kept(tensor, span):
        # In place of the rounding, which makes a tensor that is not counted.
        return tensor

    monkeypatch.setattr(gptq_rounding, "execute", counted)
    monkeypatch.setattr(fake_quantization, "activation", kept)
    gptq_rounding.round_kernels(Graph(nodes, ("sum",), ("sum",), head(8), wide), ranges, images[:, None])
    assert most["b"] <= (12 + 3) * one
    assert most["e"] <= (2 * 12 + 3) * one
    assert live[0] == 0
