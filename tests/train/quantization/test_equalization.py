"""Equalization of graphs without ReLU6: the float outputs stay, and the channels of a tensor become alike."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from train.geometry.head import Head, Level
from train.geometry.size import InputSize
from train.graph.edge_tpu import for_edge_tpu
from train.graph.graph import Graph, Node
from train.quantization import calibration, equalization, ranges
from train.quantization.activation_statistics import ActivationStatistics


def graph() -> Graph:
    """Branches that meet by slices, a concatenation and a sum, with channels of very different magnitude."""
    draw = np.random.default_rng(0)

    def conv(name: str, source: str, inputs: int, outputs: int, kind: str = "conv") -> Node:
        shape = (3, 3, inputs, 1 if kind == "depthwise" else outputs)
        kernel = draw.normal(0, 0.4, shape) * np.geomspace(1, 30, outputs).reshape((1, 1, -1, 1) if kind != "conv" else -1)
        return Node(name, kind, (source,), kernel.astype(np.float32), draw.normal(0, 0.2, outputs).astype(np.float32))

    nodes = (
        conv("a", "image", 3, 6),
        Node("a_act", "leaky_relu", ("a",)),
        Node("padded", "pad", ("a_act",), numbers=(1, 0, 1, 0)),
        Node("b", "depthwise", ("padded",), draw.normal(size=(2, 2, 6, 1)).astype(np.float32), np.zeros(6, np.float32), 2, same=False),
        conv("c", "b", 6, 4),
        Node("c_act", "leaky_relu", ("c",)),
        Node("part", "slice", ("b",), numbers=(2, 6)),
        Node("sum", "add", ("c_act", "part")),
        Node("both", "concat", ("sum", "c_act")),
        Node("doubled", "bilinear", ("both",)),
        Node("pooled", "max_pool", ("doubled",), stride=2, numbers=(2,)),
        conv("boxes", "pooled", 8, 4),
        conv("classes", "pooled", 8, 2),
    )
    level = Level(4, 4, (2.0, 2.0), (0.0, 0.0), ((2.0, 2.0),))
    return Graph(nodes, ("boxes",), ("classes",), Head(InputSize(8, 8), (level,)), 2)


IMAGES = [np.random.default_rng(seed).uniform(-1, 1, (1, 8, 8, 3)).astype(np.float32) for seed in range(4)]


def outputs(graph: Graph) -> list[np.ndarray]:
    return [tf.concat(tensors, axis=1).numpy() for tensors in graph.run(tf.constant(IMAGES[0]))]


def test_the_outputs_stay_the_same() -> None:
    plain = graph()
    factors = equalization.factors(plain, calibration.collect_statistics(plain, IMAGES), 1.0)
    assert set(factors) == {"a", "b", "c"}
    assert all((factor >= 1).all() and factor.max() > 2 for factor in factors.values())
    for one, other in zip(outputs(plain), outputs(equalization.rescale(plain, factors))):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def test_no_range_grows_and_statistics_follow() -> None:
    plain = graph()
    measured = calibration.collect_statistics(plain, IMAGES)
    factors = equalization.factors(plain, measured, 1.0)
    again = calibration.collect_statistics(equalization.rescale(plain, factors), IMAGES)
    carried = equalization.carried_factors(plain, factors)
    for name in ("a_act", "b", "c_act", "sum", "both", "pooled"):
        factor = carried[name]
        assert factor is not None
        np.testing.assert_allclose(again[name].highs, measured[name].highs * factor, rtol=1e-4, atol=1e-4)
        assert again[name].magnitude.max() <= measured[ranges.owners(plain)[name]].magnitude.max() * 1.01 or name == "sum"


def test_tensors_that_meet_in_an_operation_of_one_scale_share_their_range() -> None:
    owner = ranges.owners(graph())
    assert {owner[name] for name in ("c_act", "sum", "both", "doubled", "pooled")} == {owner["c_act"]}
    assert owner["part"] == owner["b"] != owner["a_act"] == owner["padded"]


def test_a_long_negative_side_before_a_leaky_relu_is_cut() -> None:
    plain = graph()
    draw = np.random.default_rng(0)
    sample = np.concatenate([draw.uniform(0, 1, 4000), np.full(4, -40.0)]).astype(np.float32)
    long = ActivationStatistics(np.full(4, -40.0), np.full(4, 1.0), sample, np.zeros(len(sample), np.int32))
    chosen = ranges.choose(plain, dict.fromkeys(ranges.owners(plain), long))
    # Elsewhere clipping that much costs more than it saves.
    assert chosen["c"].low > -37 > chosen["b"].low
    assert chosen["c"].high > 0.9


def test_the_graph_for_the_edge_tpu_computes_the_same_but_at_the_edge() -> None:
    plain = graph()
    changed = for_edge_tpu(plain)
    assert not {node.kind for node in changed.nodes} & {"leaky_relu", "bilinear"}
    values: dict[str, np.ndarray] = {}
    for each in (plain, changed):
        each.run(tf.constant(IMAGES[0]), lambda name, tensor: values.setdefault(f"{name}{each is plain}", tensor))  # noqa: B023
    np.testing.assert_allclose(values["c_actTrue"], values["c_actFalse"], atol=1e-6)
    inner = np.s_[:, 1:-1, 1:-1]
    np.testing.assert_allclose(values["doubledTrue"][inner], values["doubledFalse"][inner], rtol=1e-4, atol=1e-4)
