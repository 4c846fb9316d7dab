from __future__ import annotations

import numpy as np

from runtime.collect.fingerprint import distance, fingerprint
from runtime.common.opencv import cv2


def scene(seed, height, width):
    coarse = np.random.default_rng(seed).integers(0, 255, (9, 16, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def test_an_image_has_about_the_same_hash_at_any_size():
    hashes = [fingerprint(scene(0, height, width)) for height, width in ((144, 256), (432, 768), (1080, 1920))]
    assert max(distance(hashes[0], other) for other in hashes) <= 4
    assert distance(hashes[1], fingerprint(scene(1, 432, 768))) > 12


def test_noise_changes_little():
    image = scene(0, 432, 768)
    noise = np.random.default_rng(0).integers(-30, 31, image.shape)
    assert distance(fingerprint(image), fingerprint((image + noise).clip(0, 255).astype(np.uint8))) <= 6
