from __future__ import annotations

import re

import numpy as np

from runtime.common.values import Box
from runtime.media import images
from train.dataset.examples.example import Example
from train.pages.thumbnails import BoxOverlay, thumbnail


def drawn(tmp_path, *texts):
    images.write(tmp_path / "a.png", np.zeros((100, 260, 3), np.uint8))
    example = Example(image=tmp_path / "a.png", id="a", width=260, height=100, boxes=())
    page = thumbnail(example, [BoxOverlay(Box(40, 40, 220, 80), "c0", text, text) for text in texts], "a")
    return [(float(x), float(y)) for x, y in re.findall(r'<text x="([\d.]+)" y="([\d.]+)"', page)], page


def test_texts_of_boxes_in_one_place_are_side_by_side_or_below_each_other(tmp_path):
    places, _ = drawn(tmp_path, "a dog", "a cat", "a cow")
    for number, (x, y) in enumerate(places):
        for other_x, other_y in places[number + 1 :]:
            assert abs(x - other_x) > 5 * 0.6 * 10 or abs(y - other_y) > 10


def test_a_text_that_is_wider_than_the_image_is_squeezed_into_it(tmp_path):
    ((x, _),), page = drawn(tmp_path, "a very long name of a class " * 3)
    assert x < 5 and 'textLength="256.7"' in page
    assert "textLength" not in drawn(tmp_path, "a dog")[1]
