from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from convert.quantize.dead_channels import without_dead_channels
from tests.support.anchors import head
from train.layers import tensorflow_setup

tensorflow_setup.prepare()

import tensorflow as tf  # noqa: E402

from train.geometry.pyramid_anchors import PER_CELL  # noqa: E402
from train.graph.graph import Graph, Node  # noqa: E402

CHANNELS = 20


def graph(seed: int, relu6: bool = True) -> Graph:
    """A stem of 20 channels, its depthwise and pointwise convolution, and heads on them.

    Channels 0 to 8 are dead in the stem, channel 9 in the depthwise convolution; channel 10 is constant, not dead.
    """
    random = np.random.default_rng(seed)
    stem = random.normal(0, 1, (3, 3, 3, CHANNELS)).astype(np.float32)
    stem_bias = random.normal(0, 1, CHANNELS).astype(np.float32)
    stem[..., [*range(9), 10]] = 0
    stem_bias[:9], stem_bias[10] = -0.5, 0.5
    taps = random.normal(0, 1, (3, 3, CHANNELS, 1)).astype(np.float32)
    bias = random.normal(0.5, 1, CHANNELS).astype(np.float32)
    taps[:, :, 9], bias[9] = -1, -0.1
    last = random.normal(0, 1, (1, 1, CHANNELS, 12)).astype(np.float32)
    heads = random.normal(0, 1, (1, 1, 12, 6 * PER_CELL)).astype(np.float32)
    nodes = (
        Node("stem", "conv", ("image",), stem, stem_bias, 2, relu6),
        Node("depthwise", "depthwise", ("stem",), taps, bias, 1, relu6),
        Node("project", "conv", ("depthwise",), last, np.zeros(12, np.float32)),
        Node("boxes", "conv", ("project",), heads[..., : 4 * PER_CELL], np.zeros(4 * PER_CELL, np.float32)),
        Node("classes", "conv", ("project",), heads[..., 4 * PER_CELL :], np.zeros(2 * PER_CELL, np.float32)),
    )
    return Graph(nodes, ("boxes",), ("classes",), head(32), 2)


def outputs(network: Graph, seed: int) -> np.ndarray:
    image = np.random.default_rng(seed).uniform(-1, 1, (1, *network.size, 3)).astype(np.float32)
    codes, logits = network.run(tf.constant(image))
    return np.concatenate([tensor.numpy().ravel() for tensor in (*codes, *logits)])


def test_eight_dead_channels_are_removed_and_results_stay():
    whole = graph(0)
    short = without_dead_channels(whole)
    assert [short.find(name).kernel.shape for name in ("stem", "depthwise", "project")] == [
        (3, 3, 3, 12), (3, 3, 12, 1), (1, 1, 12, 12),
    ]  # fmt: skip
    assert np.array_equal(short.find("stem").kernel[..., 1:], whole.find("stem").kernel[..., 9:])
    assert outputs(short, 1) == pytest.approx(outputs(whole, 1), abs=1e-4)
    assert np.abs(short.find("project").bias).max() > 0.1, "the constants of removed channels move into the bias"


def test_fewer_than_eight_dead_channels_stay():
    whole = graph(0)
    bias = whole.find("stem").bias.copy()
    bias[:3] = 0.5
    whole = whole.with_nodes({"stem": replace(whole.find("stem"), bias=bias)})
    assert without_dead_channels(whole).find("stem").kernel.shape[-1] == CHANNELS


def test_without_the_activation_no_channel_is_dead():
    whole = graph(0, relu6=False)
    assert without_dead_channels(whole).find("stem").kernel.shape[-1] == CHANNELS


def test_the_published_stem_has_eight_dead_channels(shared):
    from tests.support import detector_320

    whole = detector_320.NETWORK.fold(detector_320.standin(shared)).frozen()
    short = without_dead_channels(whole)
    assert short.find("stem").kernel.shape == (3, 3, 3, 24)
    untouched = [node.name for node, new in zip(whole.nodes, short.nodes) if node is new]
    assert len(untouched) == len(whole.nodes) - 3
    golden = np.load(shared / "checkpoints" / "fpnlite320_standin" / "golden.npz")
    image = golden["image_0"][None].astype(np.float32) / 127.5 - 1
    codes, logits = short.run(tf.constant(image))
    assert tf.concat(codes, 1)[0].numpy() == pytest.approx(golden["box_codes_0"], abs=1e-3)
    assert tf.concat(logits, 1)[0, ::16].numpy() == pytest.approx(golden["class_logits_every16_0"][:, 1:], abs=1e-3)
