"""Limits on bad data, and the collection of problems without limits."""

from __future__ import annotations

import pytest

from runtime.common.errors import InputError
from train.dataset.examples.problems import Problems, collect_problems


def bad_data() -> Problems:
    problems = Problems()
    problems.add_file("a.jpg: the file is empty")
    problems.add_box("b.xml: box 1 has no area")
    problems.add_note("c.xml: left out")
    return problems


def test_little_bad_data_is_reported_and_accepted():
    assert len(bad_data().check_limits("pets", files=100, boxes=20)) == 3


@pytest.mark.parametrize(("files", "boxes", "what"), [(99, 20, "a.jpg"), (100, 19, "b.xml")])
def test_much_bad_data_is_refused(files, boxes, what):
    with pytest.raises(InputError, match=f"^{what}.*pets cannot be used"):
        bad_data().check_limits("pets", files, boxes)


def test_collecting_refuses_nothing_and_separates_the_kinds():
    with collect_problems() as found:
        bad_data().check_limits("pets", 10, 10)
        bad_data().check_limits("other pets", 100, 20)
    assert found.files == ["a.jpg: the file is empty"] * 2
    assert found.boxes == ["b.xml: box 1 has no area"] * 2 and found.notes == ["c.xml: left out"] * 2
    assert found.refused == {"files", "boxes"} and (found.examples_seen, found.boxes_seen) == (110, 30)
    with pytest.raises(InputError):
        bad_data().check_limits("pets", 10, 10)
