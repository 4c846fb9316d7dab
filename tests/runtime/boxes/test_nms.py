from __future__ import annotations

import numpy as np
import pytest

from runtime.boxes.nms import Kept


def boxes(*rows):
    return np.array(rows, np.float32)


# The second overlaps the first by 0.6 exactly, the third by more, the fourth not at all.
FOUR = boxes((0, 0, 1, 1), (0, 0.25, 1, 1.25), (0, 0.2, 1, 1.2), (2, 2, 3, 3))


def test_a_box_goes_that_overlaps_a_better_one_by_more_than_the_limit():
    kept = Kept(10, 0.6)
    kept.add(FOUR)
    assert kept.places.tolist() == [0, 1, 3]
    assert kept.boxes.tolist() == FOUR[[0, 1, 3]].tolist()


def test_a_box_that_went_hides_no_other():
    chain = boxes((0, 0, 1, 1), (0, 0.2, 1, 1.2), (0, 0.4, 1, 1.4))
    kept = Kept(10, 0.6)
    kept.add(chain)
    assert kept.places.tolist() == [0, 2]


def test_it_stops_when_full():
    kept = Kept(2, 0.6)
    kept.add(FOUR)
    assert kept.full and kept.places.tolist() == [0, 1]


def test_boxes_may_come_in_parts():
    kept = Kept(10, 0.6)
    for box in FOUR:
        kept.add(box[None])
    assert kept.places.tolist() == [0, 1, 3] and not kept.full


@pytest.mark.parametrize("flat", [(0.2, 0.2, 0.2, 0.8), (0.8, 0.2, 0.2, 0.8)])
def test_boxes_without_area_neither_hide_nor_are_hidden(flat):
    kept = Kept(10, 0.1)
    kept.add(boxes(flat, (0, 0, 1, 1), flat))
    assert kept.places.tolist() == [0, 1, 2]


def test_no_boxes():
    kept = Kept(10, 0.6)
    kept.add(np.empty((0, 4), np.float32))
    assert kept.places.tolist() == [] and kept.boxes.shape == (0, 4)
