"""Which range of values each tensor's 256 steps cover."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from train.models.folding import Graph
from train.quantization.activation_statistics import Observed
from train.quantization.quantization import STEPS, Range

METHODS = ("mse", "minmax", "percentile")

# A logit below this one becomes a score of 0 in steps of 1/256, so that covering it gains nothing.
_LOWEST_LOGIT = float(np.log((1 / 512) / (1 - 1 / 512)))
_PERCENTILE = 99.99
_CLIPS = np.linspace(0.3, 1.0, 36)


def owners(graph: Graph) -> dict[str, str]:
    """The tensors of `graph`, "image" first, each with the name of the one whose range it takes.

    The five levels' box codes are joined into one tensor after the heads, and so are the class
    logits: each group has one range, so that joining costs no requantisation. A tensor that is only
    upsampled keeps its range.
    """
    found = {"image": "image"}
    for node in graph.nodes:
        found[node.name] = found[node.inputs[0]] if node.kind == "upsample" else node.name
    for names in (graph.box_heads, graph.class_heads):
        found.update(dict.fromkeys(names, names[0]))
    return found


def choose(graph: Graph, seen: Mapping[str, Observed], method: str = "mse") -> dict[str, Range]:
    """A range for every tensor of `graph`; the image covers -1..1 whatever the images held."""
    single = {"mse": _least_error, "minmax": _whole, "percentile": _percentile}[method]
    groups: dict[str, list[Observed]] = {}
    owner = owners(graph)
    for name in owner:
        node = graph.find(name)
        if node is None or node.kind != "upsample":
            groups.setdefault(owner[name], []).append(seen[name])
    chosen = {name: single(group) for name, group in groups.items()}
    chosen["image"] = Range(-1.0, 1.0)
    logits = chosen[graph.class_heads[0]]
    chosen[graph.class_heads[0]] = Range(max(logits.low, _LOWEST_LOGIT), max(logits.high, 1.0))
    return {name: chosen[owner[name]] for name in owner}


def _whole(group: list[Observed]) -> Range:
    return _with_zero(min(float(seen.lows.min()) for seen in group), max(float(seen.highs.max()) for seen in group))


def _percentile(group: list[Observed]) -> Range:
    values = np.concatenate([observed.sample for observed in group])
    low, high = np.percentile(values, [100 - _PERCENTILE, _PERCENTILE])
    return _with_zero(float(low), float(high))


def _least_error(group: list[Observed]) -> Range:
    """The range with the least mean squared error of rounding and clipping over the sample.

    Either end is drawn in by factors from 0.3 to 1. What is cut off at one end does not depend on
    the other, so that each end's clipping error is computed once; rounding errs evenly over a step,
    with a variance of step^2 / 12.
    """
    whole = _whole(group)
    values = np.concatenate([observed.sample for observed in group])
    lows, highs = whole.low * _CLIPS, whole.high * _CLIPS
    below = np.array([np.sum(np.square(values[values < low] - low)) for low in lows])
    above = np.array([np.sum(np.square(values[values > high] - high)) for high in highs])
    steps = (highs[None, :] - lows[:, None]) / STEPS
    error = below[:, None] + above[None, :] + values.size * np.square(steps) / 12
    low, high = np.unravel_index(np.argmin(error), error.shape)
    return _with_zero(float(lows[low]), float(highs[high]))


def _with_zero(low: float, high: float) -> Range:
    low, high = min(low, 0.0), max(high, 0.0)
    return Range(low, high if high - low > 1e-6 else low + 1e-6)
