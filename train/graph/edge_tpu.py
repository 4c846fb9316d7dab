"""Graphs of operations that the Edge TPU has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from train.graph.graph import Graph, Node

# Bilinear interpolation by 2 of a map in which each value stands four times: the same but at the edge.
_BLUR = np.outer([1, 2, 1], [1, 2, 1]).astype(np.float32) / 16


def for_edge_tpu(graph: Graph) -> Graph:
    """`graph` with operations that the Edge TPU has in place of those that it doesn't have.

    Leaky ReLU becomes max(x, x / 10), which is the same, and bilinear upsampling nearest-neighbor upsampling and a 3x3
    blur, which is the same but at the edge. (LEAKY_RELU, and RESIZE_BILINEAR with half-pixel centers, are not in
    https://coral.ai/docs/edgetpu/models-intro/#supported-operations.)
    """
    channels: dict[str, int] = {"image": 3}
    nodes: list[Node] = []
    for node in graph.nodes:
        channels[node.name] = _channels(node, channels)
        nodes += _replaced(node, channels[node.name])
    return replace(graph, nodes=tuple(nodes))


def _replaced(node: Node, channels: int) -> Iterator[Node]:
    if node.kind == "leaky_relu":
        tenth = Node(f"{node.name}_tenth", "tenth", node.inputs)
        yield tenth
        yield Node(node.name, "maximum", (*node.inputs, tenth.name))
    elif node.kind == "bilinear":
        repeated = Node(f"{node.name}_repeated", "upsample", node.inputs)
        yield repeated
        kernel = np.tile(_BLUR[:, :, None, None], (1, 1, channels, 1))
        yield Node(node.name, "depthwise", (repeated.name,), kernel, np.zeros(channels, np.float32))
    else:
        yield node


def _channels(node: Node, channels: dict[str, int]) -> int:
    if node.bias is not None:
        return int(node.bias.shape[0])
    if node.kind == "slice":
        first, end = node.numbers
        return end - first
    return sum(channels[name] for name in node.inputs) if node.kind == "concat" else channels[node.inputs[0]]
