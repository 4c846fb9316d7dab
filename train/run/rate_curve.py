"""The curve of a learning-rate range test (Smith 2017, "Cyclical Learning Rates"), and the rate that it suggests."""

from __future__ import annotations

import math
from dataclasses import dataclass

from runtime.common.errors import KitError

# Decay of the running mean. It follows with a lag of some ten steps, a tenth of a sweep.
_SMOOTHING = 0.9
# fastai's rules (Howard and Gugger 2020): a sweep ends where the loss is four times its lowest value, and training has
# a tenth of the rate at which it was lowest, since there it is about to grow.
_DIVERGED = 4.0
_MARGIN = 10.0
# A loss that fell by less has only varied from batch to batch.
_LEAST_FALL = 0.02
# Steps at the start in which the running mean rests on too few losses.
_FIRST = 5


@dataclass(frozen=True)
class RateCurve:
    """The learning rates of a sweep, in rising order, and the loss at each.

    `high` is the rate at which the sweep was to end. It ended earlier if `rates` does.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    high: float

    @property
    def smoothed(self) -> tuple[float, ...]:
        """The losses as an exponential running mean without bias towards its start (as in Kingma and Ba 2015)."""
        mean, result = 0.0, []
        for step, loss in enumerate(self.losses, start=1):
            mean = _SMOOTHING * mean + (1 - _SMOOTHING) * loss
            result.append(mean / (1 - _SMOOTHING**step))
        return tuple(result)

    @property
    def diverged(self) -> bool:
        """Whether the loss is no longer finite, or its running mean four times its lowest value."""
        if not self.losses:
            return False
        smoothed = self.smoothed
        return not math.isfinite(self.losses[-1]) or smoothed[-1] > _DIVERGED * min(smoothed[_FIRST:] or smoothed)

    def finite(self) -> RateCurve:
        """The curve up to the last finite loss."""
        count = next((i for i, loss in enumerate(self.losses) if not math.isfinite(loss)), len(self.losses))
        return RateCurve(self.rates[:count], self.losses[:count], self.high)

    @property
    def lowest(self) -> int:
        """Index of the rate at which the running mean is lowest."""
        smoothed = self.smoothed
        return min(range(min(_FIRST, len(smoothed) - 1), len(smoothed)), key=smoothed.__getitem__)

    @property
    def suggestion(self) -> float:
        """A highest learning rate for training: a tenth of the rate at which the running mean is lowest.

        Raises KitError if the loss did not fall.
        """
        curve = self.finite()
        if len(curve.losses) <= _FIRST:
            raise KitError(
                f"the loss was no longer a number after {len(curve.losses)} steps; give a lower rate to start from, --low"
            )
        smoothed = curve.smoothed
        first = smoothed[min(_FIRST, len(smoothed) - 1)]
        if smoothed[curve.lowest] > (1 - _LEAST_FALL) * first:
            raise KitError(
                f"the loss did not fall between the rates {self.rates[0]:g} and {curve.rates[-1]:g}; give more --steps, or"
                " other rates with --low and --high"
            )
        return curve.rates[curve.lowest] / _MARGIN

    @property
    def falls_to_the_end(self) -> bool:
        """Whether the loss still fell at the end, so that a higher rate may be better."""
        curve = self.finite()
        return len(curve.rates) == len(self.rates) and curve.lowest == len(curve.rates) - 1
