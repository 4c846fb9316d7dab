"""Drawn identity cards."""

from __future__ import annotations

import pytest

from runtime.common.errors import InputError
from train.dataset.dataset import open_dataset
from train.sample_data import cards


def test_they_are_read_as_an_export_of_roboflow(tmp_path):
    cards.draw_cards(tmp_path / "cards", images=7)
    data = open_dataset(tmp_path / "cards")
    assert (data.format, data.problems, data.labels.names) == ("tfrecord", (), cards.FIELDS)
    assert (len(data.train), len(data.validation)) == (5, 2)
    for example in (*data.train, *data.validation):
        assert sorted(box.label for box in example.boxes) == sorted(cards.FIELDS)


def test_boxes_lie_in_the_image_and_differ_from_card_to_card():
    drawn = [cards.draw_card(i, 0)[1] for i in range(20)]
    for box in (item.box for boxes in drawn for item in boxes):
        assert 0 <= box.xmin < box.xmax <= 400 and 0 <= box.ymin < box.ymax <= 252
    assert len({boxes[0].box for boxes in drawn}) > 10


def test_wrong_numbers_and_folders_that_exist_are_refused(tmp_path):
    with pytest.raises(InputError, match="too few"):
        cards.draw_cards(tmp_path / "cards", images=1)
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "mine.txt").touch()
    with pytest.raises(InputError):
        cards.draw_cards(tmp_path / "cards")
