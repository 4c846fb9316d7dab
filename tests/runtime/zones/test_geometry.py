from __future__ import annotations

import pytest

from runtime import Box
from runtime.zones import geometry

SQUARE = [(10.0, 10.0), (20.0, 10.0), (20.0, 20.0), (10.0, 20.0)]
# Like the letter C, open to the right.
CONCAVE = [(0.0, 0.0), (9.0, 0.0), (9.0, 3.0), (3.0, 3.0), (3.0, 6.0), (9.0, 6.0), (9.0, 9.0), (0.0, 9.0)]


@pytest.mark.parametrize(("name", "point"), [("bottom", (20, 60)), ("center", (20, 40)), ("top", (20, 20))])
def test_where_an_object_is(name, point):
    assert geometry.anchor(Box(10, 20, 30, 60), name, 100, 100) == point


def test_a_box_that_is_cut_off_is_inside_the_image():
    assert geometry.anchor(Box(-30, 50, 10, 120), "bottom", 100, 100) == (0.5, 99.5)


def test_the_right_hand_is_positive():
    # Looking to the right of the image, below is at the right hand.
    assert geometry.offset((5, 3), (0, 0), (10, 0)) == 3 and geometry.offset((50, -3), (0, 0), (10, 0)) == -3
    assert geometry.offset((5, 3), (10, 0), (0, 0)) == -3
    assert geometry.offset((0, 0), (3, 4), (9, 12)) == 0


def test_distance_from_an_edge():
    assert geometry.distance((5, 4), ((0, 0), (10, 0))) == 4
    assert geometry.distance((13, 4), ((0, 0), (10, 0))) == 5
    assert geometry.distance((3, 4), ((0, 0), (0, 0))) == 5


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (((5, -5), (5, 5)), True), (((5, 5), (5, -5)), True), (((12, -5), (12, 5)), False), (((0, -5), (0, 5)), True),
        (((5, -5), (5, -1)), False), (((0, -1), (40, 9)), True), (((-5, -5), (30, 1)), False), (((2, 0), (8, 0)), False),
        (((5, -5), (5, -5)), False),
    ],
)  # fmt: skip
def test_a_path_crosses_a_line_between_its_ends(path, expected):
    assert geometry.crosses(path, ((0, 0), (10, 0))) is expected


def test_inside_of_polygons():
    assert geometry.inside((15, 15), SQUARE) and not geometry.inside((25, 15), SQUARE)
    assert geometry.inside((1, 4), CONCAVE) and geometry.inside((8, 1), CONCAVE) and not geometry.inside((6, 4), CONCAVE)
    assert geometry.area(SQUARE) == 100 and geometry.area(CONCAVE) == 63 and geometry.area(SQUARE[::-1]) == 100


def test_polygons_that_cross_themselves():
    # A bow tie, whose halves are walked around in opposite directions, and a pentagram, whose middle is not in it.
    tie = [(10.0, 10.0), (20.0, 20.0), (20.0, 10.0), (10.0, 20.0)]
    assert geometry.inside((11, 15), tie) and geometry.inside((19, 15), tie) and not geometry.inside((15, 11), tie)
    assert geometry.area(tie) == pytest.approx(50, rel=0.05)
    star = [(50.0, 5.0), (76.5, 86.4), (7.2, 36.1), (92.8, 36.1), (23.5, 86.4)]
    assert geometry.inside((50, 10), star) and not geometry.inside((50, 50), star)
    assert 1500 < geometry.area(star) < 1750
