"""Weights of the classes in the class loss, for data sets in which some classes are rare or matter more."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from runtime.common.errors import InputError
from train.dataset.dataset import Dataset

BALANCED = "balanced"
# The beta of Cui et al.: from some thousand boxes of a class on, more of them lower its weight no further.
_BETA = 0.999
# A name may contain commas and equals signs.
_PAIR = re.compile(r"(.+?)=([^=,]+)(?:,|$)")


def from_option(option: str | None, dataset: Dataset) -> tuple[float, ...]:
    """The weight of each class of `dataset`, from the option --class-weights; empty for None.

    `option` is "balanced" (see `balanced`) or "NAME=W,NAME=W" with weights above 0; a class that isn't named has 1.
    Raises InputError for anything else, and for a name that is no class.
    """
    if option is None:
        return ()
    names = dataset.labels.names
    if option == BALANCED:
        boxes = Counter(item.label for example in dataset.train for item in example.boxes)
        return balanced([boxes[name] for name in names])
    weights = dict.fromkeys(names, 1.0)
    for name, weight in _pairs(option):
        if name not in weights:
            raise InputError(f"--class-weights: {name} is no class of {dataset.name}; there are {', '.join(names)}")
        weights[name] = weight
    return tuple(weights.values())


def balanced(boxes: Sequence[int]) -> tuple[float, ...]:
    """Weights by the effective number of boxes (Cui et al. 2019, "Class-Balanced Loss"), whose mean is 1.

    A class with n boxes has a weight in proportion to (1 - beta) / (1 - beta^n), with a beta of 0.999: to 1 / n while n
    is small, and nearly the same for all n of some thousand. `boxes` is the n of each class; 0 counts as 1.
    """
    weights = [(1 - _BETA) / (1 - _BETA ** max(1, number)) for number in boxes]
    scale = len(weights) / sum(weights)
    return tuple(scale * weight for weight in weights)


def _pairs(option: str) -> list[tuple[str, float]]:
    pairs, end = [], 0
    while end < len(option):
        match = _PAIR.match(option, end)
        weight = _number(match[2]) if match else math.nan
        if match is None or not 0 < weight < math.inf:
            raise InputError(
                f"--class-weights must be {BALANCED} or NAME=W,NAME=W with weights above 0, not {option!r}"
            )
        pairs.append((match[1].strip(), weight))
        end = match.end()
    return pairs


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
