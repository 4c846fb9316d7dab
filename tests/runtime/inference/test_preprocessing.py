from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from runtime.common.opencv import cv2
from runtime.inference import preprocessing


def noise(height, width):
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)


def test_an_image_of_the_right_size_only_changes_its_channel_order():
    bgr = np.array([[[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [10, 11, 12]]], np.uint8)
    assert np.array_equal(preprocessing.resize(bgr, 2), bgr[..., ::-1])
    assert np.array_equal(preprocessing.resize(bgr, 2, "RGB"), bgr)


def test_halving_takes_the_mean_of_four():
    block = np.zeros((2, 2, 3), np.uint8)
    block[0, 0] = (100, 40, 8)
    assert preprocessing.resize(block, 1, "RGB").tolist() == [[[25, 10, 2]]]


@pytest.mark.parametrize(("height", "width"), [(480, 640), (37, 301), (1, 1), (1, 500)])
def test_it_is_bilinear_without_keeping_the_aspect(height, width):
    image = noise(height, width)
    expected = cv2.resize(image[..., ::-1].copy(), (320, 320), interpolation=cv2.INTER_LINEAR)
    assert np.array_equal(preprocessing.resize(image, 320), expected)


def test_height_and_width_may_differ():
    assert preprocessing.resize(noise(50, 60), (20, 30)).shape == (20, 30, 3)


def test_views_that_are_not_contiguous_work():
    image = noise(40, 50)
    assert np.array_equal(preprocessing.resize(image[..., ::-1], 16, "RGB"), preprocessing.resize(image, 16))


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)]
)
def test_what_is_no_image_is_refused(image):
    with pytest.raises(ValueError, match="an image is"):
        preprocessing.resize(image, 8)


@pytest.mark.parametrize(
    ("image", "error", "what"),
    [
        (None, ValueError, "not None; cv2.imread returns None"),
        ("street.jpg", TypeError, "not a path; read it first"),
        (Path("street.jpg"), TypeError, "not a path; read it first"),
        ([[0, 0, 0]], TypeError, "not list"),
    ],
)
def test_what_is_no_array_is_named(image, error, what):
    with pytest.raises(error, match=what):
        preprocessing.resize(image, 8)


def test_an_unknown_order_is_refused():
    with pytest.raises(ValueError, match="BGR"):
        preprocessing.resize(noise(4, 4), 8, "GBR")


def test_normalizing_maps_bytes_to_minus_one_to_one():
    out = preprocessing.normalize(np.array([0, 51, 255], np.uint8))
    assert out.dtype == np.float32
    assert np.array_equal(out, np.array([0, 51, 255], np.float32) / np.float32(127.5) - 1)


def test_normalizing_by_channel():
    out = preprocessing.normalize(np.full((1, 1, 3), 10, np.uint8), (10, 0, 20), (1, 2, 5))
    assert out.tolist() == [[[0, 5, -2]]]


def test_quantized_inputs_take_the_bytes():
    rgb = np.array([[[0, 127, 128], [255, 1, 254]]], np.uint8)
    assert preprocessing.encode(rgb, np.uint8) is rgb
    as_int8 = preprocessing.encode(rgb, np.int8, (0,), (255,))
    assert as_int8.dtype == np.int8
    assert np.array_equal(as_int8, rgb.astype(int) - 128)
    assert np.array_equal(preprocessing.encode(rgb, np.float32), preprocessing.normalize(rgb))
    with pytest.raises(ValueError, match="not int16"):
        preprocessing.encode(rgb, np.int16)


@pytest.mark.parametrize(
    ("width", "height", "area"),
    [(200, 100, (0, 16, 64, 32)), (100, 200, (16, 0, 32, 64)), (64, 64, (0, 0, 64, 64)), (3, 640, (31, 0, 1, 64))],
)
def test_a_letterbox_keeps_the_shape_in_the_middle_of_gray(width, height, area):
    assert preprocessing.letterbox_area(width, height, 64, 64) == area
    left, top, inner_width, inner_height = area
    boxed = preprocessing.letterbox(np.zeros((height, width, 3), np.uint8), 64)
    inner = boxed[top : top + inner_height, left : left + inner_width]
    assert not inner.any() and boxed.shape == (64, 64, 3)
    assert boxed.astype(int).sum() == 114 * 3 * (64 * 64 - inner_width * inner_height)


def test_a_letterbox_of_two_sides_and_of_what_is_no_image():
    boxed = preprocessing.letterbox(np.full((10, 10, 3), 255, np.uint8), (20, 40))
    assert boxed.shape == (20, 40, 3) and np.all(boxed[:, 10:30] == 255) and np.all(boxed[:, :10] == 114)
    with pytest.raises(ValueError, match="an image is a uint8 array"):
        preprocessing.letterbox(None, 64)
