"""Percentiles of repeated timings, and a table of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, List, Sequence, Tuple

import numpy as np

from runtime.common.tables import columns


@dataclass(frozen=True)
class Times:
    """Mean and percentiles of the time that one stage takes, in milliseconds per frame."""

    mean: float
    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Times:
        """The mean and the percentiles of `values`, which are milliseconds."""
        return cls(float(np.mean(values)), *(float(value) for value in np.percentile(values, (50, 95, 99))))


def table(rows: Iterable[Tuple[str, Times]]) -> str:
    """An aligned table with one line for each (stage, times)."""
    cells: List[Sequence[str]] = [("ms a frame", "p50", "p95", "p99", "mean")]
    cells += [
        (name, *(f"{value:.2f}" for value in (times.p50, times.p95, times.p99, times.mean))) for name, times in rows
    ]
    return columns(cells)
