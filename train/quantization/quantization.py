"""What makes a folded graph an int8 one: a range for every tensor, and channels brought nearer together.

Conversion finds it by looking at images, or takes what quantisation-aware training trained with.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from runtime.common.errors import InputError
from runtime.common.files import write_text

STEPS = 255


@dataclass(frozen=True)
class Range:
    """Least and greatest value that quantised steps can stand for; 0 lies within."""

    low: float
    high: float

    @property
    def step(self) -> float:
        return (self.high - self.low) / STEPS


# The interpreter's int8 LOGISTIC has a fixed output scale of 1/256 (TFLite 8-bit specification).
SCORE_RANGE = Range(0.0, 255.0 / 256.0)


@dataclass(frozen=True, eq=False)
class Quantisation:
    """`ranges` by tensor ("image" and the graph's nodes), `factors` [C] by linear depthwise node
    (see `equalise.rescale`), and the `method` that the ranges were found by.
    """

    ranges: Mapping[str, Range]
    factors: Mapping[str, np.ndarray]
    method: str

    def write(self, path: Path) -> None:
        """Writes it as JSON."""
        content: dict[str, Any] = {
            "method": self.method,
            "ranges": {name: [span.low, span.high] for name, span in self.ranges.items()},
            # The shortest decimals that give the same float32 again.
            "factors": {name: [float(str(x)) for x in factor] for name, factor in self.factors.items()},
        }
        write_text(path, json.dumps(content) + "\n")


def read(path: Path) -> Quantisation:
    """What `Quantisation.write` wrote. Raises InputError where the file is missing or something else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        ranges = {name: Range(float(low), float(high)) for name, (low, high) in content["ranges"].items()}
        factors = {name: np.array(values, np.float32) for name, values in content["factors"].items()}
        method = str(content["method"])
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path}: not the ranges that training wrote: {error}") from error
    for name, span in ranges.items():
        # Not a number fails the comparison too.
        if not -np.inf < span.low <= 0 <= span.high < np.inf or span.low == span.high:
            raise InputError(f"{path}: {name} has no usable range: {span.low} to {span.high}")
    return Quantisation(ranges, factors, method)
