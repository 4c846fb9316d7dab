"""What one tensor held over some images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Observed:
    """One tensor over all images.

    `lows` and `highs` [C] are the least and greatest value of each channel; `sample` holds values
    drawn at random, and `channels` the channel of each.
    """

    lows: np.ndarray
    highs: np.ndarray
    sample: np.ndarray
    channels: np.ndarray

    @property
    def magnitude(self) -> np.ndarray:
        """The greatest absolute value of each channel, [C]."""
        return np.maximum(np.abs(self.lows), np.abs(self.highs))

    def scaled(self, factor: np.ndarray) -> Observed:
        """What would have been seen, had each channel been multiplied by its positive `factor` [C]."""
        return Observed(self.lows * factor, self.highs * factor, self.sample * factor[self.channels], self.channels)
