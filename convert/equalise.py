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

from convert.calibration import Observed
from train.folded import Graph

# 0 leaves channels as they are, 1 gives all of them the same magnitude.
STRENGTH = 1.0
# Channels that differ by more than this are left as they are.
_MOST = 256.0


def equalise(
    graph: Graph, seen: Mapping[str, Observed], strength: float = STRENGTH
) -> tuple[Graph, dict[str, Observed]]:
    """`graph` with the channels of each linear depthwise output nearer to one magnitude, and what
    would have been observed in it."""
    nodes, observed = {}, dict(seen)
    for node in graph.nodes:
        source = graph.find(node.inputs[0])
        if node.kind != "conv" or source is None or source.kind != "depthwise" or source.relu6:
            continue
        factor = _factor(seen[source.name].magnitude, strength)
        nodes[source.name] = replace(source, kernel=source.kernel * factor[:, None], bias=source.bias * factor)
        nodes[node.name] = replace(node, kernel=node.kernel / factor[:, None])
        observed[source.name] = seen[source.name].scaled(factor)
    return graph.with_nodes(nodes), observed


def _factor(magnitude: np.ndarray, strength: float) -> np.ndarray:
    """What each channel is multiplied by, float32 [C], at least 1.

    A channel that was silent in calibration may speak in use, and must not overflow then.
    """
    loudest = magnitude.max()
    audible = magnitude > loudest / _MOST
    ratio = np.where(audible, loudest / np.maximum(magnitude, 1e-12), 1.0)
    return (ratio**strength).astype(np.float32)
