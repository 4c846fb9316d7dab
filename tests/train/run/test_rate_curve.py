"""The curve of a learning-rate range test: where it ends, and what it suggests."""

from __future__ import annotations

import math

import pytest

from runtime.common.errors import KitError
from train.run.rate_curve import RateCurve


def curve(losses, low: float = 1e-4, high: float = 1.0) -> RateCurve:
    """A sweep of 61 steps, four decades, that ended after `losses`."""
    rates = [low * (high / low) ** (i / 60) for i in range(len(losses))]
    return RateCurve(tuple(rates), tuple(losses), high)


def valley(lowest: float = 45) -> list[float]:
    """Losses that fall in a straight line to the step `lowest`, and grow from there."""
    return [2.0 - 0.03 * i if i <= lowest else 2.0 - 0.03 * lowest + 0.1 * (i - lowest) for i in range(61)]


def test_a_tenth_of_the_rate_with_the_lowest_running_mean_is_suggested():
    found = curve(valley())
    # The mean follows with a lag of some steps.
    assert 45 <= found.lowest <= 50
    assert found.suggestion == pytest.approx(found.rates[found.lowest] / 10)
    assert not found.falls_to_the_end


def test_a_single_low_loss_is_not_the_lowest():
    losses = valley()
    losses[20] = 0.4
    assert curve(losses).lowest >= 45


def test_the_running_mean_has_no_bias_towards_zero():
    assert curve([3.0] * 10).smoothed == pytest.approx([3.0] * 10)
    assert curve([1.0, 2.0]).smoothed == pytest.approx([1.0, (0.09 + 0.2) / 0.19])


def test_it_diverges_at_four_times_the_lowest_mean_or_without_a_number():
    losses = valley()
    assert not curve(losses).diverged
    grown = [*losses, *[20.0] * 5]
    ends = [i for i in range(1, len(grown) + 1) if curve(grown[:i]).diverged]
    assert ends and curve(grown[: ends[0]]).smoothed[-1] > 4 * min(curve(grown[: ends[0]]).smoothed)
    assert curve([*losses[:30], math.nan]).diverged and curve([*losses[:30], math.inf]).diverged
    assert not curve([]).diverged and not curve([1.0]).diverged


def test_a_loss_that_is_no_number_ends_the_curve():
    found = curve([*valley()[:50], math.nan])
    assert found.suggestion == curve(valley()[:50]).suggestion
    assert not found.falls_to_the_end, "it ended there"


def test_a_loss_that_falls_to_the_end_says_so():
    assert curve([2.0 - 0.02 * i for i in range(61)]).falls_to_the_end


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        ([1.0, 1.01, 0.99] * 20, "the loss did not fall between the rates 0.0001 and 0.857696"),
        ([1.0 + 0.1 * i for i in range(40)], "give more --steps"),
        ([1.0, 2.0, math.nan], "no longer a number after 2 steps; give a lower rate to start from, --low"),
        ([math.nan], "no longer a number after 0 steps"),
    ],
)
def test_without_a_fall_there_is_no_suggestion(losses, message):
    with pytest.raises(KitError, match=message):
        _ = curve(losses).suggestion
