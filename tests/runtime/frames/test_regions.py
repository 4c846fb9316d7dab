from __future__ import annotations

import argparse

import numpy as np
import pytest

from runtime import Box, Detection, InputError
from runtime.frames.regions import Crop, Region, region


def found(xmin, ymin, xmax, ymax):
    return Detection("a", 0, 0.5, Box(xmin, ymin, xmax, ymax))


def test_shares_and_pixels():
    assert region("0,0.5,1,1") == Region(0, 0.5, 1, 1, False)
    assert region("10, 20,300,200") == Region(10, 20, 300, 200, True)
    assert region("0,0.5,1,1").within(200, 100) == Box(0, 50, 200, 100)
    assert region("10,20,300,200").within(200, 100) == Box(10, 20, 200, 100)


@pytest.mark.parametrize("text", ["", "1,2,3", "a,b,c,d", "0,0,nan,1", "0.5,0,0.5,1", "0,9,5,3", "-1,0,1,1"])
def test_invalid_regions(text):
    with pytest.raises(argparse.ArgumentTypeError):
        region(text)


def test_a_region_outside_the_image():
    with pytest.raises(InputError, match="--roi 300,0,400,50: lies outside the image, which is 200 x 100"):
        Crop([region("300,0,400,50")], 200, 100)


def test_the_detector_sees_the_part_and_boxes_come_back_whole():
    image = np.arange(100 * 200 * 3, dtype=np.uint32).reshape(100, 200, 3).astype(np.uint8)
    crop = Crop([region("50,20,150,90")], 200, 100)
    assert np.array_equal(crop.apply(image), image[20:90, 50:150])
    assert crop.to_image((found(0, 0, 10, 10),)) == (found(50, 20, 60, 30),)


def test_between_two_regions_nothing_counts():
    crop = Crop([region("0,0,0.25,1"), region("0.75,0,1,1")], 200, 100)
    assert (crop.left, crop.right) == (0, 200)
    left, middle, right = found(0, 0, 40, 40), found(80, 0, 120, 40), found(160, 0, 200, 40)
    assert crop.to_image((left, middle, right)) == (left, right)
