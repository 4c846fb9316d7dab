"""Data sets that training goes on with: the images of the earlier run stay on their sides, its classes in their places."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from runtime.common.errors import InputError
from tests.support.small_runs import small_run
from tests.support.voc_samples import annotation, data_set
from train.dataset.dataset import after, open_dataset
from train.dataset.examples import content
from train.run import earlier_run


@pytest.fixture
def old(tmp_path):
    """A run on ten images of cats."""
    return small_run(tmp_path / "old", data_set(tmp_path / "first", 10))


@pytest.fixture
def october(tmp_path) -> Path:
    """Ten other images of dogs, and under names of its own a copy of each image of the old run."""
    folder = data_set(tmp_path / "october", 10, boxes=[("dog", 4, 5, 30, 28)], seed=100)
    for number in range(10):
        shutil.copy(tmp_path / f"first/images/p{number}.jpg", folder / f"images/q{number}.jpg")
        annotation(folder / f"annotations/q{number}.xml")
    return folder


def hashes(examples) -> set[str]:
    return {content.sampled_hash(example.image) for example in examples}


@pytest.mark.parametrize("seed", range(4))
def test_images_of_the_run_stay_on_their_side_under_any_name(old, october, tmp_path, seed):
    known = earlier_run.known(str(old.path))
    found = open_dataset([tmp_path / "first", october], earlier=known, seed=seed)
    before = old.dataset()
    assert not hashes(found.train) & hashes(before.validation)
    assert hashes(before.validation) <= hashes(found.validation)
    assert not hashes(found.validation) & hashes(before.train)
    # Some of the new images validate too.
    assert {box.label for example in found.validation for box in example.boxes} == {"cat", "dog"}


def test_one_data_set_without_a_split_keeps_them_as_well(old, october):
    found = open_dataset(october, earlier=earlier_run.known(str(old.path)))
    assert not hashes(found.train) & hashes(old.dataset().validation)
    assert any("as they did there" in line for line in found.problems)


def test_another_data_set_to_validate_on(old, october, tmp_path):
    other = data_set(tmp_path / "fair", 3, seed=300)
    shutil.copy(old.dataset().train[0].image, other / "images/p0.jpg")
    found = open_dataset(october, earlier=earlier_run.known(str(old.path)), validation=other)
    assert [example.id for example in found.validation] == ["p1", "p2"]
    assert len(found.train) == 18 and not hashes(found.train) & hashes(old.dataset().validation)
    assert any("kept out of validation" in line for line in found.problems)


def test_new_classes_come_after_those_of_the_run_and_old_ones_stay(tmp_path):
    old = small_run(tmp_path / "old", data_set(tmp_path / "first", 10, boxes=[("zebra", 4, 5, 30, 28), ("cat", 9, 9, 40, 40)]))
    old.path.joinpath("labels.txt").write_text("zebra\ncat\n")
    new = data_set(tmp_path / "new", 10, boxes=[("ant", 4, 5, 30, 28), ("cat", 9, 9, 40, 40)], seed=100)
    found = open_dataset(new, earlier=earlier_run.known(str(old.path)))
    assert found.labels.names == ("zebra", "cat", "ant")
    assert any("new classes" in line and "ant" in line for line in found.problems)
    assert any("stay in their places: zebra" in line for line in found.problems)


def test_a_data_set_that_is_open_already(old, october, tmp_path):
    opened = open_dataset([tmp_path / "first", october], seed=5)
    found = after(opened, earlier_run.known(str(old.path)))
    assert not hashes(found.train) & hashes(old.dataset().validation)
    assert not hashes(found.validation) & hashes(old.dataset().train)
    assert found.labels.names == ("cat", "dog")


def test_nothing_left_to_validate_on_is_refused(old, tmp_path):
    only = tmp_path / "only"
    for number, example in enumerate(old.dataset().train):
        (only / "images").mkdir(parents=True, exist_ok=True)
        shutil.copy(example.image, only / f"images/a{number}.jpg")
        annotation(only / f"annotations/a{number}.xml")
    with pytest.raises(InputError, match=r"no labelled image is left for validation.*--val"):
        open_dataset(only, earlier=earlier_run.known(str(old.path)))
