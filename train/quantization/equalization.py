"""Equalization: rescales the channels between depthwise and pointwise convolutions.

The separable convolutions of pyramid, tower and heads have no activation between depthwise and pointwise convolution.
So a channel can be multiplied by a factor in the first and divided by it in the second, without a change of the float
outputs. The magnitudes of the channels differ widely there, and with one scale for all, small channels would use few of
the 256 quantized values. This is cross-layer equalization (Nagel et al. 2019), exact because there is no activation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from train.models.folding import Graph
from train.quantization.activation_statistics import ActivationStatistics

# 0 leaves the channels as they are, 1 gives all of them the same magnitude.
STRENGTH = 1.0
# A channel whose magnitude is smaller than the greatest by more than this factor is not rescaled.
_MAX_RATIO = 256.0


def factors(
    graph: Graph, statistics: Mapping[str, ActivationStatistics], strength: float = STRENGTH
) -> dict[str, np.ndarray]:
    """Factors, float32 [C], for the output channels of each depthwise node without activation, by node name."""
    return {source: _factor(statistics[source].magnitude, strength) for source in _linear(graph)}


def rescale(graph: Graph, factors: Mapping[str, np.ndarray]) -> Graph:
    """Applies `factors`: depthwise outputs are multiplied by them, and the next convolutions divide by them."""
    nodes = {}
    for source, node in _linear(graph).items():
        depthwise, pointwise, factor = graph[source], graph[node], factors[source]
        nodes[source] = replace(depthwise, kernel=depthwise.kernel * factor[:, None], bias=depthwise.bias * factor)
        nodes[node] = replace(pointwise, kernel=pointwise.kernel / factor[:, None])
    return graph.with_nodes(nodes)


def _linear(graph: Graph) -> dict[str, str]:
    """Names of the depthwise nodes without activation, each with the name of the convolution that follows it."""
    found = {}
    for node in graph.nodes:
        source = graph.find(node.inputs[0])
        if node.kind == "conv" and source is not None and source.kind == "depthwise" and not source.relu6:
            found[source.name] = node.name
    return found


def _factor(magnitude: np.ndarray, strength: float) -> np.ndarray:
    """The factor of each channel, float32 [C], at least 1.

    A channel that was almost dead in calibration keeps the factor 1, so that it cannot overflow when it is active in
    use.
    """
    greatest = magnitude.max()
    live = magnitude > greatest / _MAX_RATIO
    ratio = np.where(live, greatest / np.maximum(magnitude, 1e-12), 1.0)
    return np.asarray(ratio**strength, np.float32)
