from __future__ import annotations

import pytest

from train.dataset.coco import rules

BOX, CROWD = {"iscrowd": 0}, {"iscrowd": 1}
CVAT = {"iscrowd": 1, "attributes": {"occluded": False}}


@pytest.mark.parametrize(
    ("annotations", "numbers", "single"),
    [
        ([BOX, CROWD, {}], {1}, 0),
        ([BOX, {"iscrowd": True}, {"iscrowd": "1"}, {"iscrowd": "0"}, {"iscrowd": None}], {1, 2}, 0),
        ([CROWD, CROWD], set(), 2),
        ([BOX, CVAT, CROWD], {2}, 1),
        ([BOX, CROWD] * 5, set(), 5),
        ([BOX, BOX, CROWD] * 5, {2, 5, 8, 11, 14}, 0),
        ([BOX, "no annotation", None], set(), 0),
        ([], set(), 0),
    ],
)
def test_which_annotations_are_crowds(annotations, numbers, single):
    found = rules.crowds(annotations)
    assert (found.numbers, found.single) == (numbers, single) and bool(found.reason) == bool(single)


def test_ids_are_only_compared():
    assert rules.key(7) == rules.key(7.0) == rules.key("7") == rules.key(" 7.0 ") == 7
    assert rules.key("img_7") == "img_7" and rules.key("007") == "007"
    assert rules.key(True) is rules.key(7.5) is rules.key("") is rules.key(None) is None
