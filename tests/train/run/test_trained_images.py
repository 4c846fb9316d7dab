"""Which images a run was trained on, by their content."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from runtime.common.errors import InputError
from tests.support.small_runs import make_old, small_run
from tests.support.voc_samples import data_set
from train.dataset.dataset import read
from train.run.trained_images import TrainedImages


@pytest.fixture
def data(tmp_path) -> Path:
    return data_set(tmp_path / "data", 10)


def trained_on(run, folder: Path) -> list[str]:
    trained = TrainedImages(run)
    assert trained.unknown == 0
    return [example.id for example in read(folder).train if example in trained]


@pytest.mark.parametrize("old", [False, True])
def test_copies_under_other_names_in_another_folder(data, tmp_path, old):
    run = small_run(tmp_path / "run", data)
    expected = [example.id for example in run.dataset().train]
    run = make_old(run) if old else run
    copied = shutil.copytree(data, tmp_path / "copied")
    assert trained_on(run, data) == trained_on(run, copied) == expected
    for folder, suffix in (("images", "jpg"), ("annotations", "xml")):
        for index in range(10):
            (copied / folder / f"p{index}.{suffix}").rename(copied / folder / f"q{index}.{suffix}")
    assert trained_on(run, copied) == [id.replace("p", "q") for id in expected]


def test_images_that_are_gone_are_known_by_their_hashes(data, tmp_path):
    run = small_run(tmp_path / "run", data)
    moved = Path(shutil.move(data, tmp_path / "moved"))
    assert trained_on(run, moved) == [example.id for example in run.dataset().train]
    old = TrainedImages(make_old(run))
    assert old.unknown == 8 and not any(example in old for example in read(moved).train)


def test_another_image_at_the_same_place_was_not_trained_on(data, tmp_path):
    run = small_run(tmp_path / "run", data)
    shutil.rmtree(data)
    assert trained_on(run, data_set(data, 10, seed=100)) == []


def test_a_file_that_differs_between_the_samples(data, tmp_path):
    """Without compression, as a bitmap of a fixed camera; only where the image of training is gone, the sample must do."""
    image = np.zeros((200, 200, 3), np.uint8)
    for index in range(10):
        name = data / f"images/p{index}"
        cv2.imwrite(f"{name}.bmp", image + np.uint8(index))
        Path(f"{name}.jpg").unlink()
        (data / f"annotations/p{index}.xml").write_text(
            (data / f"annotations/p{index}.xml").read_text().replace("64", "200").replace("48", "200")
        )
    run = small_run(tmp_path / "run", data)
    example = run.dataset().train[0]
    other = tmp_path / "other.bmp"
    pixels = cv2.imread(str(example.image))
    pixels[170, 3] += 1
    cv2.imwrite(str(other), pixels)
    assert example in TrainedImages(run) and replace(example, image=other) not in TrainedImages(run)
    example.image.unlink()
    assert replace(example, image=other) in TrainedImages(run)


@pytest.mark.parametrize(("group_by", "known"), [("auto", True), ("none", False)])
def test_versions_of_a_roboflow_original(data, tmp_path, group_by, known):
    for index in range(10):
        for folder, suffix in (("images", "jpg"), ("annotations", "xml")):
            path = data / folder / f"p{index}.{suffix}"
            path.rename(path.with_name(f"p{index}_jpg.rf.{index:032x}.{suffix}"))
    run = small_run(tmp_path / "run", data, group_by=group_by)
    example = run.dataset().train[0]
    other = Path(shutil.copy(data_set(tmp_path / "other", 1, seed=50) / "images/p0.jpg", tmp_path))
    version = other.rename(tmp_path / f"{example.image.name.partition('.rf.')[0]}.rf.{99:032x}.jpg")
    assert (replace(example, image=version) in TrainedImages(run)) == known


def test_an_image_that_cannot_be_read_is_named(data, tmp_path):
    run = small_run(tmp_path / "run", data)
    with pytest.raises(InputError, match=r"gone\.jpg: cannot read the image"):
        assert replace(run.dataset().train[0], image=Path("gone.jpg")) in TrainedImages(run)
