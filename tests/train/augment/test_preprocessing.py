"""Decoding and resizing in TensorFlow agree with the runtime, on photographs and on drawn images."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import tensorflow as tf

from runtime.inference import preprocessing as definition
from tests.support import detector_320
from train.augment import preprocessing
from train.geometry.size import InputSize

PHOTOGRAPHS = ("cat.bmp", "cat_720p.jpg", "grace_hopper.bmp", "kite_and_cold.jpg", "pets.jpg")


def both(encoded: bytes, size: InputSize) -> tuple[np.ndarray, np.ndarray]:
    image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    ours = preprocessing.resize(preprocessing.decode(tf.constant(encoded)), size)
    return ours.numpy(), definition.resize(image, size)


def assert_close(encoded: bytes, size: int | str) -> None:
    expected = InputSize.of(size)
    ours, defined = both(encoded, expected)
    assert ours.shape == defined.shape == (*expected, 3) and ours.dtype == np.float32
    assert np.array_equal(ours, np.round(ours))
    assert np.abs(ours - defined).max() <= 1


@pytest.mark.parametrize("size", [320, 640])
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_photographs(name, size, shared):
    assert_close((shared / "images" / name).read_bytes(), size)


@pytest.mark.parametrize("data", ["raccoon/images", "bccd/JPEGImages"])
def test_photographs_of_data_sets(data, shared):
    paths = sorted((shared / "data" / data).glob("*.jpg"))[::25]
    assert paths
    for path in paths:
        assert_close(path.read_bytes(), 320)


@pytest.mark.parametrize("shape", [(480, 640), (1, 1), (7, 501), (320, 320), (33, 65)])
@pytest.mark.parametrize("size", [320, "192x320", "320x192"])
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_noise_of_odd_sizes(shape, suffix, size):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    assert_close(cv2.imencode(suffix, image)[1].tobytes(), size)


def test_grey_images_get_three_channels():
    image = np.random.default_rng(0).integers(0, 256, (40, 50)).astype(np.uint8)
    for suffix in (".png", ".jpg"):
        assert_close(cv2.imencode(suffix, image)[1].tobytes(), 320)


def test_normalized_as_the_runtime_does():
    levels = np.arange(256, dtype=np.uint8).reshape(1, 256, 1)
    np.testing.assert_allclose(preprocessing.normalize(tf.constant(levels)), definition.normalize(levels), atol=1e-6)
