"""Scores of raw class logits: what the decoders of both versions of raw heads share."""

from __future__ import annotations

import math

import numpy as np

# Float logits are compared with the threshold's own logit a little lower, and scores again after it.
_MARGIN = 1e-3


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """The scores float32 of real logits, computed in float64."""
    with np.errstate(over="ignore"):
        return (1 / (1 + np.exp(-logits.astype(np.float64)))).astype(np.float32)


class FloatScores:
    """What float32 logits mean as scores."""

    def threshold(self, least: float) -> np.float32:
        """A logit that every score of at least `least` (0..1) reaches, and few others do."""
        if not 0 < least < 1:
            return np.float32(-np.inf if least <= 0 else np.inf)
        return np.float32(math.log(least / (1 - least)) - _MARGIN)

    def of(self, logits: np.ndarray) -> np.ndarray:
        """The scores float32 of `logits`."""
        return sigmoid(logits)
