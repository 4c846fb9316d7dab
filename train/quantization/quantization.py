"""The quantization of a folded graph: a range for every tensor, and equalization factors.

It comes from calibration on images, or from the quantization-aware training that used it.
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

# How ranges can be chosen; here and not in `ranges`, which imports TensorFlow, for the help of commands.
METHODS = ("mse", "minmax", "percentile")


@dataclass(frozen=True)
class Range:
    """Least and greatest value that a quantized tensor can represent; 0 is within."""

    low: float
    high: float

    @property
    def step(self) -> float:
        """Distance between neighbouring quantized values."""
        return (self.high - self.low) / STEPS


# The int8 LOGISTIC operation has a fixed output scale of 1/256 (TFLite 8-bit quantization specification).
SCORE_RANGE = Range(0.0, 255.0 / 256.0)


@dataclass(frozen=True, eq=False)
class Quantization:
    """Ranges and equalization factors of a graph.

    `ranges` has an entry for "image" and for every node, `factors` [C] one for every convolution that has some
    (see `equalization.rescale`). `method` is how the ranges were found, one of `METHODS`.
    """

    ranges: Mapping[str, Range]
    factors: Mapping[str, np.ndarray]
    method: str

    def write(self, path: Path) -> None:
        """Writes the quantization to `path` as JSON."""
        content: dict[str, Any] = {
            "method": self.method,
            "ranges": {name: [span.low, span.high] for name, span in self.ranges.items()},
            # The shortest decimals that are read as the same float32.
            "factors": {name: [float(str(x)) for x in factor] for name, factor in self.factors.items()},
        }
        write_text(path, json.dumps(content) + "\n")


def read(path: Path) -> Quantization:
    """Reads what `Quantization.write` wrote. Raises InputError if the file is missing or has other contents."""
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
        # The comparison is false for NaN, too.
        if not -np.inf < span.low <= 0 <= span.high < np.inf or span.low == span.high:
            raise InputError(f"{path}: {name} has no usable range: {span.low} to {span.high}")
    return Quantization(ranges, factors, method)
