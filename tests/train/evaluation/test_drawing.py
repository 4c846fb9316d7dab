"""Boxes drawn onto pixels: where they are, and in which colour."""

from __future__ import annotations

import numpy as np

from runtime.common.values import Box, Detection
from train.dataset.examples.example import LabelledBox
from train.evaluation.drawing import draw

GREEN, RED = (40, 200, 60), (230, 50, 50)


def pixels(image: np.ndarray, color) -> set[tuple[int, int]]:
    return {(int(x), int(y)) for y, x in zip(*np.nonzero((image == color).all(axis=-1)))}


def test_labels_are_green_and_sure_detections_red():
    image = np.zeros((200, 300, 3), np.uint8)
    found = [
        Detection("dog", 0, 0.9, Box(150, 100, 250, 180)),
        Detection("dog", 0, 0.2, Box(20, 120, 60, 160)),
    ]
    drawn = draw(image, [LabelledBox("cat", Box(30, 40, 100, 90))], found)
    assert drawn.shape == image.shape and not image.any(), "a copy"
    assert {(30, 40), (100, 90), (60, 40)} <= pixels(drawn, GREEN)
    assert {(150, 100), (250, 180)} <= pixels(drawn, RED)
    assert not {place for place in pixels(drawn, RED) if place[0] < 140}, "a detection below the least score"
    assert not draw(image, [], found, least_score=0.95).any()


def test_a_large_image_is_drawn_smaller():
    drawn = draw(np.zeros((1000, 2000, 3), np.uint8), [LabelledBox("cat", Box(500, 250, 1500, 750))])
    assert drawn.shape == (320, 640, 3)
    assert {(160, 80), (480, 240)} <= pixels(drawn, GREEN)


def test_an_image_with_reversed_channels_can_be_drawn_on():
    """As OpenCV's images are when they come as RGB."""
    assert draw(np.zeros((50, 60, 3), np.uint8)[:, :, ::-1], [LabelledBox("cat", Box(5, 5, 30, 30))]).any()
