"""Which images are measured on."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from convert.evaluation.images import cut, of_dataset, of_run
from runtime.boxes.tiles import Tiles
from runtime.common.errors import InputError
from tests.support import format_samples as make
from tests.support.format_samples import FORMATS, Sample
from tests.support.small_runs import make_old, small_run
from tests.support.voc_samples import annotation, data_set
from train.training import qat_task


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def three_parts(folder: Path, format: str = "pascal_voc", last: str = "test") -> Path:
    """Ten images to train, three to validate and four to test on, or those parts that are named."""
    counts = {"train": 10, "valid": 3, "test": 4}
    samples = [
        Sample(f"{part}{index}.jpg", part, data=make.image(100 * number + index))
        for number, (part, count) in enumerate(counts.items())
        for index in range(count)
        if part in ("train", last) or last == "test"
    ]
    make.write(format, folder, samples)
    if format == "yolo":
        with (folder / "data.yaml").open("a") as file:
            file.write("test: ../test/images\n")
    return folder


def names(data) -> set[str]:
    return {image.path.name for image in data.images}


@pytest.mark.parametrize("format", FORMATS)
def test_the_parts_of_a_data_set(tmp_path, format):
    data = three_parts(tmp_path / "data", format)
    run = small_run(tmp_path / "run", data)
    for part, word, count in (("train", "train", 10), ("val", "valid", 3), ("test", "test", 4)):
        for found in (of_run(run, part), of_dataset(data, None, None, part), of_dataset(data, run, None, part)):
            assert names(found) == {f"{word}{index}.jpg" for index in range(count)}
    assert names(of_run(run)) == names(of_dataset(data)) == {f"valid{index}.jpg" for index in range(3)}
    # The records, and so training, have nothing of the test part.
    assert not any("test" in example.image.name for example in run.dataset().train + run.dataset().validation)


def test_a_test_part_by_lists(tmp_path):
    data = data_set(tmp_path / "data", 8)
    (data / "ImageSets/Main").mkdir(parents=True)
    for name, digits in (("train", "0123"), ("val", "45"), ("test", "679")):
        (data / f"ImageSets/Main/{name}.txt").write_text("".join(f"p{digit}\n" for digit in digits))
    run = small_run(tmp_path / "run", data)
    assert names(of_run(run, "test")) == names(of_dataset(data, part="test")) == {"p6.jpg", "p7.jpg"}
    (data / "images/p7.jpg").unlink()
    annotation(data / "annotations/p6.xml", [("cat", 1, 1, 1, 1), ("cat", 1, 1, 9, 9), ("newt", 1, 1, 9, 9)])
    found = of_dataset(data, part="test")
    assert names(found) == {"p6.jpg"} and found.truth.labels.names == ("cat", "newt")


def test_a_test_part_that_training_validated_on(tmp_path):
    data = three_parts(tmp_path / "data")
    shutil.rmtree(data / "valid")
    found = of_run(small_run(tmp_path / "run", data), "test")
    assert len(found.images) == 4 and "which training validated on, too" in found.about


def test_data_without_a_test_part(tmp_path):
    data = three_parts(tmp_path / "data", last="valid")
    run = small_run(tmp_path / "run", data)
    with pytest.raises(InputError, match=rf"{data}: has no test part, only train, val"):
        of_dataset(data, part="test")
    for each in (run, make_old(run)):
        with pytest.raises(InputError, match=rf"{run.path}: its data set has no test part, or the run is from a version"):
            of_run(each, "test")


def test_test_images_that_were_trained_on_are_left_out(tmp_path):
    data = three_parts(tmp_path / "data")
    shutil.copy(data / "train/train3.jpg", data / "test/test1.jpg")
    run = small_run(tmp_path / "run", data)
    for found in (of_run(run, "test"), of_dataset(data, run, part="test")):
        assert names(found) == {"test0.jpg", "test2.jpg", "test3.jpg"}
        assert f"that {run.path} was not trained on (1 of 4 were and are left out)" in found.about
    assert len(of_run(run, "train").images) == 10


def test_only_what_was_not_trained_on_in_a_copied_folder(tmp_path):
    data = data_set(tmp_path / "data", 30)
    run = small_run(tmp_path / "run", data)
    found = of_dataset(shutil.copytree(data, tmp_path / "copied"), run)
    assert names(found) == {example.image.name for example in run.dataset().validation}
    assert found.about.endswith(f"that {run.path} was not trained on (24 of 30 were and are left out)")


def test_nothing_is_left_of_what_was_trained_on(tmp_path):
    data = data_set(tmp_path / "data", 6)
    run = small_run(tmp_path / "run", data)
    copied = shutil.copytree(data, tmp_path / "copied")
    for example in run.dataset().validation:
        (copied / f"annotations/{example.id}.xml").unlink()
    with pytest.raises(InputError, match=rf"{copied}: {run.path} was trained on all 5 of them"):
        of_dataset(copied, run)


def test_tiles_of_images_are_those_of_the_runtime_and_of_quantization_aware_training(tmp_path):
    run = small_run(tmp_path / "run", data_set(tmp_path / "data", 3))
    images, tiles = of_run(run, "train").images, Tiles(2, 1)
    made = cut(images, tiles)
    assert cut(images, None) == images and len(made) == 3 * len(images)
    for image, parts in zip(images, (made[start : start + 3] for start in range(0, len(made), 3))):
        whole = image.load()
        for part, window in zip(parts, tiles.windows(whole.shape[1], whole.shape[0])):
            assert part.path == image.path and np.array_equal(part.load(), window.of(whole))
    # The same ids: of many, the same are chosen to calibrate on.
    own = qat_task._windows(run.dataset().train, tiles)
    assert [(one.id, one.load().tobytes()) for one in own] == [(one.id, one.load().tobytes()) for one in made]


def test_a_set_says_through_which_tiles_it_is_seen(tmp_path):
    data = of_run(small_run(tmp_path / "run", data_set(tmp_path / "data", 10)))
    assert data.through(None) == data and data.tiles is None
    seen = data.through(Tiles(2, 1))
    assert seen.tiles == Tiles(2, 1) and seen.about == f"{data.about}, tiles 2x1"
