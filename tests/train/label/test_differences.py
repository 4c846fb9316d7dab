from __future__ import annotations

from pathlib import Path

import pytest

from runtime.common.values import Box, Detection
from train.dataset.examples.example import LabelledBox
from train.label.differences import Kind, differences
from train.label.proposals import ProposedImage

HERE, NEAR, SHIFTED, AWAY = Box(0, 0, 40, 40), Box(2, 0, 42, 40), Box(10, 0, 50, 40), Box(60, 60, 90, 90)


def kinds(labelled, found):
    boxes = tuple(LabelledBox(name, box, difficult) for name, box, difficult in labelled)
    detections = tuple(Detection(name, 0, score, box) for name, score, box in found)
    return [(item.kind, item.label, item.labelled) for item in differences(ProposedImage(Path("a"), "a", 100, 100, detections, boxes))]


@pytest.mark.parametrize(
    ("labelled", "found", "expected"),
    [
        ([("cat", HERE, False)], [("cat", 0.9, NEAR)], []),
        ([], [("cat", 0.9, HERE)], [(Kind.MISSED, "cat", None)]),
        ([("cat", HERE, False)], [], [(Kind.EXTRA, None, "cat")]),
        # What a person found hard the detector may miss.
        ([("cat", HERE, True)], [], []),
        ([("cat", HERE, False)], [("dog", 0.9, NEAR)], [(Kind.CLASS, "dog", "cat")]),
        ([("cat", HERE, False)], [("cat", 0.9, SHIFTED)], [(Kind.MOVED, "cat", "cat")]),
        ([("cat", HERE, False)], [("cat", 0.9, AWAY)], [(Kind.MISSED, "cat", None), (Kind.EXTRA, None, "cat")]),
        # Of two objects at one place each gets its own.
        ([("cat", NEAR, False), ("dog", HERE, False)], [("dog", 0.8, NEAR), ("cat", 0.9, HERE)], []),
        # One box is the answer to one detection only.
        ([("cat", HERE, False)], [("cat", 0.9, HERE), ("cat", 0.8, NEAR)], [(Kind.MISSED, "cat", None)]),
    ],
)
def test_what_differs(labelled, found, expected):
    assert kinds(labelled, found) == expected


def test_doubt_is_that_of_the_least_sure_detection():
    def doubt(*scores):
        return ProposedImage(Path("a"), "a", 9, 9, tuple(Detection("cat", 0, score, HERE) for score in scores)).doubt

    assert doubt() == 0.0 and doubt(0.5, 0.9) == 1.0 and doubt(0.9) == pytest.approx(0.2) and doubt(0.1) == pytest.approx(0.2)
