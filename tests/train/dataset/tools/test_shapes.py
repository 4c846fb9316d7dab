from __future__ import annotations

import pytest

from train.dataset.tools import shapes


def test_a_square_turned_by_an_eighth():
    half = 2**0.5
    sides = shapes.rotated([(-1, -1), (1, -1), (1, 1), (-1, 1)], 45, (0, 0))
    assert sides == pytest.approx((-half, -half, half, half))


def test_the_turn_is_clockwise_on_the_screen():
    assert shapes.rotated([(0, 0), (10, 0)], 90, (0, 0)) == pytest.approx((0, 0, 0, 10))


def test_an_ellipse_turned_by_an_eighth():
    side = (10**2 / 2 + 4**2 / 2) ** 0.5
    assert shapes.ellipse(0, 0, 10, 4, 45) == pytest.approx((-side, -side, side, side))


def test_too_few_points():
    with pytest.raises(ValueError, match="has 1 points"):
        shapes.around([(1, 2)])
