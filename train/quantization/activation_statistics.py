"""Statistics of the values of one tensor over several images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class ActivationStatistics:
    """Values of one tensor over all calibration images.

    `lows` and `highs` [C] are the least and greatest value of each channel. `sample` [S] holds values drawn at random,
    and `channels` [S] the channel of each.
    """

    lows: np.ndarray
    highs: np.ndarray
    sample: np.ndarray
    channels: np.ndarray

    @property
    def magnitude(self) -> np.ndarray:
        """The greatest absolute value of each channel, [C]."""
        magnitude: np.ndarray = np.maximum(np.abs(self.lows), np.abs(self.highs))
        return magnitude

    def scaled(self, factor: np.ndarray) -> ActivationStatistics:
        """The statistics of the tensor with each channel multiplied by its positive `factor` [C]."""
        return ActivationStatistics(
            self.lows * factor, self.highs * factor, self.sample * factor[self.channels], self.channels
        )
