"""What a file with a float input is fed: (x - mean) / std of bytes x."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# The network takes x / 127.5 - 1.
NETWORK = 127.5


@dataclass(frozen=True)
class Normalization:
    """Mean and standard deviation of the input in bytes: one number, or one for each of red, green and blue."""

    mean: tuple[float, ...] = (NETWORK,)
    std: tuple[float, ...] = (NETWORK,)

    @property
    def usual(self) -> bool:
        """Whether the input is what the network itself takes."""
        return set(self.mean) == set(self.std) == {NETWORK}

    @property
    def scale(self) -> npt.NDArray[np.float32]:
        """float32 [3]; with `offset`, input * scale + offset is what the network takes."""
        return np.broadcast_to(np.array(self.std, np.float64) / NETWORK, 3).astype(np.float32)

    @property
    def offset(self) -> npt.NDArray[np.float32]:
        """float32 [3]; see `scale`."""
        return np.broadcast_to(np.array(self.mean, np.float64) / NETWORK - 1, 3).astype(np.float32)

    def range(self) -> tuple[float, float]:
        """The least and the greatest value of the input."""
        mean, std = np.broadcast_to(self.mean, 3), np.broadcast_to(self.std, 3)
        return float((-mean / std).min()), float(((255 - mean) / std).max())
