"""A data set without faults, as PASCAL VOC, which tests copy and damage."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support.voc_samples import annotation

CAT, DOG = ("cat", 4, 5, 34, 38), ("dog", 20, 4, 60, 44)


@pytest.fixture(scope="module")
def pets(tmp_path_factory) -> Path:
    """Seventy-two images without a fault, each with a cat and a dog; the last twenty to validate on."""
    folder = tmp_path_factory.mktemp("data") / "pets"
    for i in range(72):
        # Smooth, so that JPEG keeps them, but with enough in them to tell them apart.
        grid = np.random.default_rng(i).integers(0, 255, (9, 12, 3)).astype(np.uint8)
        jpg(folder, i).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(jpg(folder, i)), cv2.resize(grid, (64, 48), interpolation=cv2.INTER_LINEAR))
        annotation(xml(folder, i), (CAT, DOG))
    lists = folder / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("".join(f"p{i}\n" for i in range(52)))
    (lists / "val.txt").write_text("".join(f"p{i}\n" for i in range(52, 72)))
    return folder


@pytest.fixture
def data(pets, tmp_path) -> Path:
    """A copy of it to damage."""
    return shutil.copytree(pets, tmp_path / "pets")


def xml(folder: Path, number: int) -> Path:
    return folder / "Annotations" / f"p{number}.xml"


def jpg(folder: Path, number: int) -> Path:
    return folder / "JPEGImages" / f"p{number}.jpg"


def save_again(folder: Path, number: int, other: int) -> None:
    """Writes image `number`, a little brighter, as image `other`."""
    image = cv2.imread(str(jpg(folder, number)))
    brighter = cv2.convertScaleAbs(image, alpha=1.1, beta=6)
    cv2.imwrite(str(jpg(folder, other)), brighter, [cv2.IMWRITE_JPEG_QUALITY, 60])
