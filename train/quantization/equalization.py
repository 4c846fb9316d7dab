"""Rescales channels between the two halves of separable convolutions; in float nothing changes.

Between depthwise and pointwise convolution of pyramid, tower and heads there is no activation, so
that dividing a channel before and multiplying it after cancels out. The channels' magnitudes there
differ widely, and one scale for all of them leaves the small ones few of the 256 steps: the same
remedy as cross-layer equalisation (Nagel et al. 2019), without its approximation at the activation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from train.models.folding import Graph
from train.quantization.activation_statistics import Observed

# 0 leaves channels as they are, 1 gives all of them the same magnitude.
STRENGTH = 1.0
# Channels that differ by more than this are left as they are.
_MOST = 256.0


def factors(graph: Graph, seen: Mapping[str, Observed], strength: float = STRENGTH) -> dict[str, np.ndarray]:
    """What each linear depthwise node's output is to be multiplied by, float32 [C], to bring its
    channels nearer to one magnitude.
    """
    return {source: _factor(seen[source].magnitude, strength) for source in _linear(graph)}


def rescale(graph: Graph, factors: Mapping[str, np.ndarray]) -> Graph:
    """`graph` with the outputs of its linear depthwise nodes multiplied by their `factors`, which the
    convolutions after them divide by.
    """
    nodes = {}
    for source, node in _linear(graph).items():
        depthwise, pointwise, factor = graph.find(source), graph.find(node), factors[source]
        nodes[source] = replace(depthwise, kernel=depthwise.kernel * factor[:, None], bias=depthwise.bias * factor)
        nodes[node] = replace(pointwise, kernel=pointwise.kernel / factor[:, None])
    return graph.with_nodes(nodes)


def _linear(graph: Graph) -> dict[str, str]:
    """The names of depthwise nodes without activation, each with that of the convolution that reads it."""
    found = {}
    for node in graph.nodes:
        source = graph.find(node.inputs[0])
        if node.kind == "conv" and source is not None and source.kind == "depthwise" and not source.relu6:
            found[source.name] = node.name
    return found


def _factor(magnitude: np.ndarray, strength: float) -> np.ndarray:
    """What each channel is multiplied by, float32 [C], at least 1.

    A channel that was silent in calibration may speak in use, and must not overflow then.
    """
    loudest = magnitude.max()
    audible = magnitude > loudest / _MOST
    ratio = np.where(audible, loudest / np.maximum(magnitude, 1e-12), 1.0)
    return (ratio**strength).astype(np.float32)
