"""Selection of quantization ranges: which interval the 256 quantized values of each tensor cover."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from train.graph.graph import COPIES, SAME_SCALE, SLOPE, Graph
from train.quantization.activation_statistics import ActivationStatistics
from train.quantization.groups import Groups
from train.quantization.quantization import STEPS, Range

# A logit below this one gives a score that is rounded to 0 in steps of 1/256, and need not be covered.
_LOWEST_LOGIT = float(np.log((1 / 512) / (1 - 1 / 512)))
_PERCENTILE = 99.99
_CLIPS = np.linspace(0.3, 1.0, 36)
_LONG_CLIPS = np.linspace(0.02, 1.0, 50)


def owners(graph: Graph) -> dict[str, str]:
    """Maps every tensor of `graph`, "image" first, to the tensor whose range it shares.

    The box codes of all levels are concatenated after the heads, and so are the class logits. All tensors of such a
    group share one range, so that the concatenation needs no requantization. So do the inputs and the output of an
    operation that has one scale for all of them (see `graph.SAME_SCALE`).
    """
    groups: Groups[str] = Groups()
    groups.add("image")
    for node in graph.nodes:
        groups.add(node.name)
        if node.kind in SAME_SCALE:
            for name in node.inputs:
                groups.join(name, node.name)
    for names in (graph.box_heads, graph.class_heads):
        for name in names[1:]:
            groups.join(names[0], name)
    return {name: groups.first(name) for name in ("image", *(node.name for node in graph.nodes))}


def choose(graph: Graph, statistics: Mapping[str, ActivationStatistics], method: str = "mse") -> dict[str, Range]:
    """A range for every tensor of `graph`, by one of `quantization.METHODS`.

    "minmax" covers all values, "percentile" those from the 0.01st to the 99.99th percentile, and "mse" has the least
    mean squared error; before a leaky ReLU, of what comes out of it. The range of the image is always -1..1.
    """
    single = {"mse": _least_error, "minmax": _whole, "percentile": _percentile}[method]
    groups: dict[str, list[ActivationStatistics]] = {}
    owner = owners(graph)
    for name in owner:
        node = graph.find(name)
        if node is None or node.kind not in COPIES:
            groups.setdefault(owner[name], []).append(statistics[name])
    before = {node.inputs[0] for node in graph.nodes if node.kind == "leaky_relu"}
    chosen = {
        name: _least_error(group, SLOPE) if method == "mse" and name in before else single(group)
        for name, group in groups.items()
    }
    chosen["image"] = Range(-1.0, 1.0)
    logits = chosen[graph.class_heads[0]]
    chosen[graph.class_heads[0]] = Range(max(logits.low, _LOWEST_LOGIT), max(logits.high, 1.0))
    return {name: chosen[owner[name]] for name in owner}


def _whole(group: list[ActivationStatistics]) -> Range:
    return _with_zero(min(float(part.lows.min()) for part in group), max(float(part.highs.max()) for part in group))


def _percentile(group: list[ActivationStatistics]) -> Range:
    values = np.concatenate([part.sample for part in group])
    low, high = np.percentile(values, [100 - _PERCENTILE, _PERCENTILE])
    return _with_zero(float(low), float(high))


def _least_error(group: list[ActivationStatistics], slope: float = 1.0) -> Range:
    """The range with the least mean squared error of rounding and clipping over the sample.

    Errors of negative values are multiplied by `slope`, as a leaky ReLU multiplies them.

    Both ends are varied by factors from 0.3 to 1; where negative values matter less, that end from nearly 0. The clipping
    error at one end does not depend on the other end, so that it is computed once per end. The rounding error is taken as
    uniform over a step, with variance step^2 / 12.
    """
    whole = _whole(group)
    values = np.concatenate([part.sample for part in group])
    lows, highs = whole.low * (_CLIPS if slope == 1.0 else _LONG_CLIPS), whole.high * _CLIPS
    below = np.array([np.sum(np.square(values[values < low] - low)) for low in lows]) * slope**2
    above = np.array([np.sum(np.square(values[values > high] - high)) for high in highs])
    steps = (highs[None, :] - lows[:, None]) / STEPS
    weight = values.size - (1 - slope**2) * np.count_nonzero(values < 0)
    error = below[:, None] + above[None, :] + weight * np.square(steps) / 12
    low, high = np.unravel_index(np.argmin(error), error.shape)
    return _with_zero(float(lows[low]), float(highs[high]))


def _with_zero(low: float, high: float) -> Range:
    low, high = min(low, 0.0), max(high, 0.0)
    return Range(low, high if high - low > 1e-6 else low + 1e-6)
