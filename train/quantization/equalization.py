"""Equalization: rescales channels between convolutions, so that those of one tensor have about the same magnitude.

The magnitudes of channels differ widely, and with one scale for all, small channels would use few of the 256 quantized
values. A channel can be multiplied by a factor in the convolution that makes it and divided by it in those that read it,
without a change of the float outputs, as long as what is between commutes with a positive factor: nothing, a leaky ReLU,
a slice, a concatenation, interpolation, a sum with a channel that has the same factor. This is cross-layer equalization
(Nagel et al. 2019).

Where activations are ReLU6, which do not commute with factors, only the channels between a depthwise convolution without
activation and the pointwise one after it are rescaled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from train.graph.graph import Graph, Node
from train.quantization.activation_statistics import ActivationStatistics
from train.quantization.groups import Groups
from train.quantization.ranges import owners

# 0 leaves the channels as they are, 1 gives all of them the same magnitude.
STRENGTH = 1.0
# Where all channels can be rescaled, more than a little moves the error from the tensors to the kernels: of NanoDet-Plus at
# 320 the int8 file has an AP of 0.290 at strength 0, 0.294 at 0.25, 0.290 at 0.5 and 0.289 at 1, the float one 0.297
# (coco_val206, calibrated on 64 of its images; each is within the noise of so few images).
_STRENGTH_EVERYWHERE = 0.25
# A channel whose magnitude is smaller than the greatest by more than this factor is not rescaled.
_MAX_RATIO = 256.0


def factors(
    graph: Graph, statistics: Mapping[str, ActivationStatistics], strength: float | None = None
) -> dict[str, np.ndarray]:
    """Factors, float32 [C], for the output channels of convolutions, by node name.

    `strength` is between 0, which leaves the channels as they are, and 1, which gives all of them the same magnitude.
    """
    if any(node.relu6 for node in graph.nodes):
        chosen = STRENGTH if strength is None else strength
        return {source: _factor(statistics[source].magnitude, chosen) for source in _linear(graph)}
    return _everywhere(graph, statistics, _STRENGTH_EVERYWHERE if strength is None else strength)


def rescale(graph: Graph, factors: Mapping[str, np.ndarray]) -> Graph:
    """Applies `factors`: the outputs of convolutions are multiplied by them, and those that read them divide by them."""
    changed: dict[str, Node] = {}
    carried = carried_factors(graph, factors)
    for node in graph.nodes:
        if node.kernel is None:
            continue
        before, factor = carried[node.inputs[0]], factors.get(node.name)
        kernel, bias = node.kernel, node.bias
        if before is not None:
            kernel = kernel / before[:, None]
        if factor is not None:
            kernel, bias = kernel * (factor[:, None] if node.kind == "depthwise" else factor), bias * factor
        changed[node.name] = replace(node, kernel=kernel, bias=bias)
    return graph.with_nodes(changed)


def carried_factors(graph: Graph, factors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray | None]:
    """What the channels of each tensor are multiplied by where `factors` are applied, [C]; None stands for 1."""
    carried: dict[str, np.ndarray | None] = {"image": None}
    for node in graph.nodes:
        before = [carried[name] for name in node.inputs]
        carried[node.name] = factors.get(node.name) if node.kernel is not None else _carried(node, before)
    return carried


def _carried(node: Node, before: list[np.ndarray | None]) -> np.ndarray | None:
    first = before[0]
    if node.kind == "slice" and first is not None:
        return first[slice(*node.numbers)]
    if node.kind == "concat" and any(each is not None for each in before):
        assert all(each is not None for each in before), node.name
        return np.concatenate([each for each in before if each is not None])
    return first


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
    return np.asarray(_ratio(magnitude, magnitude.max()) ** strength, np.float32)


def _ratio(magnitude: np.ndarray, greatest: float) -> np.ndarray:
    live = magnitude > greatest / _MAX_RATIO
    return np.where(live, greatest / np.maximum(magnitude, 1e-12), 1.0)


def _everywhere(
    graph: Graph, statistics: Mapping[str, ActivationStatistics], strength: float
) -> dict[str, np.ndarray]:
    """Factors for all channels that may have one.

    Tensors of one range are looked at together. A channel that is in tensors of several ranges gets the least of the
    factors that these ask for, so that no range grows.
    """
    channels = _channels(graph)
    owner = owners(graph)
    before = {node.inputs[0] for node in graph.nodes if node.kind == "leaky_relu"}
    # What comes before a leaky ReLU has long negative sides, which hardly matter.
    counted = [name for name in channels if name != "image" and name not in before]
    greatest: dict[str, float] = {}
    for name in counted:
        greatest[owner[name]] = max(greatest.get(owner[name], 0.0), float(statistics[name].magnitude.max()))
    least = np.full(1 + max(int(group.max()) for group in channels.values()), np.inf)
    for name in counted:
        np.minimum.at(least, channels[name], _ratio(statistics[name].magnitude, greatest[owner[name]]))
    least[_FIXED] = 1.0
    found = {}
    for node in graph.nodes:
        if node.kernel is not None and (channels[node.name] != _FIXED).any():
            found[node.name] = np.asarray(least[channels[node.name]] ** strength, np.float32)
    return found


# The channels that keep their scale: those of the image and of the heads.
_FIXED = 0


def _channels(graph: Graph) -> dict[str, np.ndarray]:
    """For each tensor a number for each channel, int [C]: channels with the same number must have the same factor."""
    groups: Groups[int] = Groups()
    groups.add(_FIXED)
    made: dict[str, np.ndarray] = {"image": np.full(3, _FIXED)}
    count = 1
    for node in graph.nodes:
        before = [made[name] for name in node.inputs]
        if node.kernel is not None:
            outputs = int(np.asarray(node.bias).shape[0])
            fixed = node.name in graph.box_heads or node.name in graph.class_heads
            made[node.name] = np.full(outputs, _FIXED) if fixed else np.arange(count, count + outputs)
            for number in range(count, count + outputs):
                groups.add(number)
            count += outputs
        elif node.kind == "slice":
            made[node.name] = before[0][slice(*node.numbers)]
        elif node.kind == "concat":
            made[node.name] = np.concatenate(before)
        else:
            made[node.name] = before[0]
            for other in before[1:]:
                for one, same in zip(before[0].tolist(), other.tolist()):
                    groups.join(one, same)
    return {name: np.array([groups.first(number) for number in numbers.tolist()]) for name, numbers in made.items()}
