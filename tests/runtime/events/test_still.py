from __future__ import annotations

import numpy as np
import pytest

from runtime import Box, Frame
from runtime.common.opencv import cv2
from runtime.events.still import Ring, Still, decode, encode, most_worth, worth


def test_a_frame_is_scaled_and_its_colours_stay():
    image = np.zeros((60, 120, 3), np.uint8)
    image[..., 0] = 255
    still = encode(Frame(image, 0, 4.0, "RGB"), 80)
    made = decode(still.jpeg)
    assert still.time == 4.0 and made.shape == (40, 80, 3) and made[..., 2].min() > 240 and made[..., 0].max() < 20


@pytest.mark.parametrize("color", ["BGR", "RGB"])
def test_planes_are_those_of_the_image(color):
    image = cv2.resize(np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8), (80, 60))
    still = encode(Frame(image, 0, 4.0, color), 100, planes=True)
    back = cv2.cvtColor(still.planes, cv2.COLOR_YUV2BGR_I420)
    shown = image if color == "BGR" else image[..., ::-1]
    assert np.abs(back.astype(int) - shown).mean() < 8 and still.size == len(still.jpeg) + 60 * 80 * 3 // 2
    ring = Ring(2.0)
    ring.add(still)
    assert [(kept.jpeg, kept.planes) for kept in ring.since(0)] == [(still.jpeg, None)]
    # An odd number of rows has no such planes.
    assert encode(Frame(image[:59], 0, 4.0), 100, planes=True).planes is None is encode(Frame(image, 0, 4.0), 100).planes
    # An image that is scaled gets an even one.
    assert encode(Frame(image, 0, 4.0), 76, planes=True).planes.shape == (56 * 3 // 2, 76)
    assert encode(Frame(image[:3], 0, 4.0), 10, planes=True).planes.shape == (3, 10)


def test_the_ring_keeps_seconds_within_a_limit_of_bytes():
    ring = Ring(2.0, most_bytes=100)
    for index in range(20):
        ring.add(Still(index / 4, bytes(10)))
    assert [still.time for still in ring.since(0)] == [index / 4 for index in range(11, 20)]
    for index in range(20, 30):
        ring.add(Still(index / 4, bytes(40)))
    assert [still.time for still in ring.since(0)] == [7.0, 7.25]
    ring.add(Still(8.0, bytes(1000)))
    assert ring.since(0) == []


def test_the_best_image_is_sharp_large_and_certain():
    rng = np.random.default_rng(0)
    sharp = rng.integers(0, 255, (100, 100, 3), np.uint8)
    blurred = cv2.GaussianBlur(sharp, (0, 0), 4)
    box, half = Box(10, 10, 90, 90), Box(10, 10, 50, 50)
    best = worth(sharp, 0.9, box)
    assert best > 2 * worth(blurred, 0.9, box)
    assert best == pytest.approx(2 * worth(sharp, 0.9, half), rel=0.1)
    assert best == pytest.approx(2 * worth(sharp, 0.45, box))
    assert best <= most_worth(0.9, box, (100, 100)) == pytest.approx(0.72)
    assert worth(sharp, 0.9, Box(200, 200, 300, 300)) == 0.0
