from __future__ import annotations

import numpy as np

from runtime import Box, Detection, Frame
from runtime.frames.blurring import Blurring

IMAGE = np.random.default_rng(0).integers(0, 255, (120, 160, 3)).astype(np.uint8)


def blurred(*found):
    found = [Detection(label, 0, 0.9, Box(*box)) for label, box in found]
    return Blurring(["face", "plate"])(Frame(IMAGE.copy()), found).image


def test_of_an_object_a_few_tiles_are_left_and_the_rest_of_the_image_is_as_it_was():
    image = blurred(("face", (40, 30, 100, 90)))
    assert len(np.unique(image[30:90, 40:100].reshape(-1, 3), axis=0)) <= 36
    assert abs(image[30:90, 40:100].mean() - IMAGE[30:90, 40:100].mean()) < 2
    untouched = np.ones(IMAGE.shape[:2], bool)
    untouched[24:96, 34:106] = False
    assert (image[untouched] == IMAGE[untouched]).all()


def test_other_classes_are_left_and_boxes_may_reach_out_of_the_image():
    assert (blurred(("person", (40, 30, 100, 90))) == IMAGE).all()
    for box in ((-20, -20, 10, 10), (150, 110, 300, 300), (5, 5, 5, 5), (200, 200, 220, 220), (0, 0, 160, 120)):
        assert blurred(("plate", box)).shape == IMAGE.shape


def test_an_image_that_may_not_be_changed_is_copied():
    """Some cameras give images that lie in the driver's memory."""
    image = IMAGE.copy()
    image.flags.writeable = False
    face = Detection("face", 0, 0.9, Box(40, 30, 100, 90))
    found = Blurring(["face"])(Frame(image, index=3), [face])
    assert found.index == 3 and len(np.unique(found.image[30:90, 40:100].reshape(-1, 3), axis=0)) <= 36
    assert (image == IMAGE).all()


def test_what_the_detector_does_not_see_is_unrecognizable_too():
    seen = Box(60, 20, 100, 90)
    for given in ([], [Detection("face", 0, 0.9, Box(70, 30, 80, 40))]):
        image = Blurring(["face"])(Frame(IMAGE.copy()), given, seen).image
        # A tile of 160 / 12 pixels has one colour.
        for part in (image[:20], image[90:], image[20:90, :60], image[20:90, 100:]):
            assert len(np.unique(part.reshape(-1, 3), axis=0)) <= 12 * 7
        assert (image[50:80, 60:100] == IMAGE[50:80, 60:100]).all()
