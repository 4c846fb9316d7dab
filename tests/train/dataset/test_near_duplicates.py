from __future__ import annotations

import cv2
import numpy as np
import pytest

from runtime.common.errors import InputError
from tests.support.voc_samples import annotation, image
from train import open_dataset
from train.dataset import near_duplicates


def hashes(bits):
    return [np.packbits(row).tobytes() for row in bits]


def test_hashes_belong_together_by_way_of_others_and_across_blocks(monkeypatch):
    monkeypatch.setattr(near_duplicates, "_GROUP_BLOCK", 3)
    bits = np.random.default_rng(0).integers(0, 2, (10, 256)).astype(np.uint8)
    # 9, 5 and 1 differ by 30 bits from one to the next, and the ends by 60; 2 and 8 by one too many.
    bits[5], bits[8] = bits[1], bits[2]
    bits[5, :30] ^= 1
    bits[9] = bits[5]
    bits[9, 30:60] ^= 1
    bits[8, :33] ^= 1
    assert near_duplicates.groups(hashes(bits)) == [0, 1, 2, 3, 4, 1, 6, 7, 8, 1]
    assert near_duplicates.groups([None, *hashes(bits[[1, 5]]), None]) == [0, 1, 1, 3]
    assert near_duplicates.groups([]) == [] and near_duplicates.groups([None] * 2) == [0, 1]


def test_images_of_a_fixed_camera_are_one_group(monkeypatch):
    monkeypatch.setattr(near_duplicates, "_GROUP_BLOCK", 4)
    rng = np.random.default_rng(0)
    view = rng.integers(0, 2, 256).astype(np.uint8)
    assert near_duplicates.groups(hashes([view ^ (rng.random(256) < 0.04) for _ in range(21)])) == [0] * 21


@pytest.fixture
def bursts(tmp_path):
    """Ten images three times each: as JPEG, brighter, and at half the size."""
    for number in range(10):
        for version in range(3):
            path = tmp_path / f"data/{number}-{version}.jpg"
            image(path, seed=number)
            annotation(path.with_suffix(".xml"))
            if version:
                pixels = cv2.imread(str(path))
                cv2.imwrite(str(path), cv2.convertScaleAbs(pixels, alpha=1.0 + 0.05 * version, beta=4), [cv2.IMWRITE_JPEG_QUALITY, 60])
    return tmp_path / "data"


def test_images_that_are_nearly_the_same_come_on_one_side(bursts):
    def scenes(examples):
        return {example.image.name.partition("-")[0] for example in examples}

    together = open_dataset(bursts, group_by="similar")
    assert (len(together.train), len(together.validation)) == (24, 6)
    assert not scenes(together.train) & scenes(together.validation)
    apart = open_dataset(bursts)
    assert scenes(apart.train) & scenes(apart.validation)


def test_training_images_that_are_nearly_those_of_validation_are_kept_out(bursts, tmp_path):
    (tmp_path / "val").mkdir()
    for suffix in ("jpg", "xml"):
        (bursts / f"3-1.{suffix}").rename(tmp_path / f"val/3-1.{suffix}")
    dataset = open_dataset(bursts, validation=tmp_path / "val", group_by="similar")
    assert "3-0" not in {example.id for example in dataset.train} and len(dataset.train) == 27
    assert any("2 nearly the same image" in line for line in dataset.problems)


def test_too_many_images_are_refused(bursts, monkeypatch):
    monkeypatch.setattr(near_duplicates, "MAX_IMAGES", 29)
    with pytest.raises(InputError, match="up to 29 images, and these are 30"):
        open_dataset(bursts, group_by="similar")
