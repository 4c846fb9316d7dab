"""Limits on bad data, and the collection of problems without limits."""

from __future__ import annotations

import pytest

from runtime.common.errors import InputError
from train.dataset.examples.problems import CollectedProblems, Problems, allowed, collect_problems, hand_on


def bad_data() -> Problems:
    problems = Problems()
    problems.add_file("a.jpg: the file is empty")
    problems.add_box("b.xml: box 1 has no area")
    problems.add_note("c.xml: left out")
    return problems


def test_up_to_a_third_may_be_bad():
    assert len(bad_data().check_limits("pets", files=3, boxes=3)) == 3


@pytest.mark.parametrize(("files", "boxes", "what"), [(2, 3, "a.jpg"), (3, 2, "b.xml")])
def test_more_is_refused_with_the_option_that_goes_on(files, boxes, what):
    message = f"^{what}.* \\(1 of 2 .* in pets cannot be used, and at most 33% may be: correct or remove it, or go on without it by --allow-bad 0.5\\)$"
    with pytest.raises(InputError, match=message):
        bad_data().check_limits("pets", files, boxes)
    with allowed(0.5):
        assert len(bad_data().check_limits("pets", files, boxes)) == 3


def test_nothing_to_go_on_with_if_all_is_bad():
    with pytest.raises(InputError) as error:
        bad_data().check_limits("pets", 1, 3)
    assert "--allow-bad" not in str(error.value)


def test_the_limits_are_those_of_the_block():
    with allowed(0), pytest.raises(InputError, match="at most 0%"):
        bad_data().check_limits("pets", 1000, 1000)
    bad_data().check_limits("pets", 1000, 1000)
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputError, match="between 0 and 1"), allowed(share):
            pass


def test_collecting_refuses_nothing_and_separates_the_kinds():
    with collect_problems() as found:
        bad_data().check_limits("pets", 2, 2)
        bad_data().check_limits("other pets", 100, 20)
    assert found.files == ["a.jpg: the file is empty"] * 2
    assert found.boxes == ["b.xml: box 1 has no area"] * 2 and found.notes == ["c.xml: left out"] * 2
    assert found.refused.keys() == {"files", "boxes"} and (found.examples_seen, found.boxes_seen) == (102, 22)
    with pytest.raises(InputError):
        bad_data().check_limits("pets", 2, 2)


def test_what_was_collected_is_handed_on_or_refused():
    with collect_problems() as inner:
        bad_data().check_limits("pets", 2, 2)
    with collect_problems() as outer:
        hand_on(inner)
    assert outer == inner
    with pytest.raises(InputError, match=r"a\.jpg"):
        hand_on(inner)
    hand_on(CollectedProblems())


@pytest.mark.parametrize(
    ("names", "total", "message"),
    [
        (["labels/a.txt", "labels/b.txt", "labels/c.txt", "labels/d.txt"], 4, "none of the 4 images that labels/*.txt name is in pets"),
        (["a/a.xml", "a/b.xml", "b/c.xml", "b/d.xml"], 6, "4 of the 6 images that *.xml name are not in pets"),
        (["a.csv: line 2", "a.csv: line 3", "a.csv: line 4", "b.csv: line 2"], 6, "4 of the 6 images that a.csv and b.csv name are not in"),
        (["a.csv: line 2", "b.json: [1]", "c.xml", "c.txt"], 5, "4 of the 5 images that the annotations name are not in pets"),
    ],
)
def test_missing_images_are_said_in_one_line(names, total, message):
    problems = Problems()
    for name in names:
        problems.add_file(f"{name}: its image is missing: no 'x1.jpg' in pets")
    with pytest.raises(InputError) as error:
        problems.check_limits("pets", total, 9)
    text = str(error.value)
    assert text.startswith(message) and "('x1.jpg' is one): put the images there" in text
    assert ("--allow-bad" in text) == (total > 4)


def test_lines_that_differ_in_numbers_alone_are_listed_once():
    problems = Problems()
    for number in range(9):
        problems.add_box(f"labels/{number}.txt: line {number} has the class 7, but obj.names names 1")
    problems.add_box("labels/x.txt: line 2 has no area")
    with pytest.raises(InputError) as error:
        problems.check_limits("pets", 9, 12)
    assert str(error.value).startswith(
        "labels/0.txt: line 0 has the class 7, but obj.names names 1; labels/x.txt: line 2 has no area; ... (10 of 12 boxes"
    )
