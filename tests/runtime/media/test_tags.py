from __future__ import annotations

import pytest

from runtime.media import tags


def place(*boxes, size=(40, 10), image=(200, 100)):
    return tags.place(boxes, [size] * len(boxes), *image)


def test_above_the_box_else_inside_and_within_the_image():
    assert place((50, 30, 120, 80)) == [(50, 20)]
    assert place((50, 5, 120, 80)) == [(50, 5)]
    assert place((-20, 5, 120, 80)) == [(0, 5)]
    assert place((180, 30, 199, 80)) == [(160, 20)]
    assert place((0, 0, 5, 5), size=(300, 200)) == [(0, 0)]


def test_texts_of_one_place_go_to_the_corners_of_the_box():
    found = place(*[(50, 30, 150, 80)] * 6)
    assert found == [(50, 20), (110, 20), (50, 30), (110, 30), (50, 80), (110, 80)]


def test_where_all_is_covered_it_covers_least():
    found = place(*[(0, 0, 30, 12)] * 3, size=(30, 10), image=(30, 25))
    assert found == [(0, 0), (0, 12), (0, 2)]


@pytest.mark.parametrize(
    ("text", "plain"), [("Waschbär groß", "Waschbar gross"), ("Žluťoučký Ørsted", "Zlutoucky Orsted"), ("猫 x", "? x"), ("a-1", "a-1")]
)
def test_letters_of_ascii(text, plain):
    assert tags.in_ascii(text) == plain
