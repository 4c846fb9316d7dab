"""Which range of values each tensor's 256 steps cover."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from convert.calibration import Observed
from train.folded import Graph

METHODS = ("mse", "minmax", "percentile")

STEPS = 255
# The interpreter's int8 LOGISTIC has a fixed output scale of 1/256 (TFLite 8-bit specification).
SCORE_RANGE = (0.0, 255.0 / 256.0)
# A logit below this one becomes a score of 0 in steps of 1/256, so that covering it gains nothing.
_LOWEST_LOGIT = float(np.log((1 / 512) / (1 - 1 / 512)))
_PERCENTILE = 99.99
_CLIPS = np.linspace(0.3, 1.0, 36)


@dataclass(frozen=True)
class Range:
    """Least and greatest value that quantised steps can stand for; 0 lies within."""

    low: float
    high: float

    @property
    def step(self) -> float:
        return (self.high - self.low) / STEPS


def choose(graph: Graph, seen: Mapping[str, Observed], method: str = "mse") -> dict[str, Range]:
    """A range for every tensor of `graph`.

    The five levels' box codes are joined into one tensor after the heads, and so are the class
    logits: each group gets one range, so that joining costs no requantisation. A tensor that is only
    upsampled keeps its range. The image covers -1..1 whatever the pictures held.
    """
    single = {"mse": _least_error, "minmax": _whole, "percentile": _percentile}[method]
    chosen = {name: single([values]) for name, values in seen.items()}
    chosen["image"] = Range(-1.0, 1.0)
    for names in (graph.box_heads, graph.class_heads):
        shared = single([seen[name] for name in names])
        if names is graph.class_heads:
            shared = Range(max(shared.low, _LOWEST_LOGIT), max(shared.high, 1.0))
        chosen.update(dict.fromkeys(names, shared))
    for node in graph.nodes:
        if node.kind == "upsample":
            chosen[node.name] = chosen[node.inputs[0]]
    return chosen


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
