from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from runtime.common.errors import InputError
from runtime.common.values import Box
from tests.support.voc_samples import annotation, data_set, image
from train import open_dataset
from train.dataset.dataset import Dataset, Example, LabelledBox
from train.dataset.splitting import split


def example(id: str, *labels: str) -> Example:
    return Example(id, Path(f"{id}.jpg"), 10, 10, tuple(LabelledBox(label, Box(0, 0, 5, 5)) for label in labels))


def ids(examples) -> list[str]:
    return [example.id for example in examples]


def test_split_does_not_depend_on_the_order_and_hardly_on_other_images():
    examples = [example(f"p{index}", "cat") for index in range(50)]
    train, validation = split(examples, 0.2, 3, "data")
    assert len(validation) == 10 and len(train) == 40
    assert split(examples[::-1], 0.2, 3, "data") == (train, validation)
    assert ids(split(examples, 0.2, 4, "data")[1]) != ids(validation)
    _, more = split([*examples, example("another", "cat")], 0.2, 3, "data")
    assert len(set(ids(validation)) & set(ids(more))) >= 9


def test_split_keeps_the_last_image_of_a_class_for_training():
    examples = [example(f"p{index}", "cat") for index in range(9)] + [example("only", "cat", "dog")]
    for seed in range(20):
        train, _ = split(examples, 0.5, seed, "data")
        assert "only" in ids(train)


@pytest.mark.parametrize(
    "examples",
    [
        [example("a", "cat")],
        [example("a", "cat"), example("b", "dog")],
        [example("a", "cat"), example("b")],
    ],
)
def test_impossible_split_is_refused(examples):
    with pytest.raises(InputError, match="cannot be split"):
        split(examples, 0.2, 0, "data")


@pytest.mark.parametrize("share", [0, 1, -0.5, float("nan")])
def test_share_outside_0_to_1_is_refused(share):
    with pytest.raises(InputError, match="between 0 and 1"):
        split([example("a", "cat")] * 3, share, 0, "data")


def test_groups_come_on_one_side_and_near_the_share():
    examples = [example(f"p{index:02}", "cat") for index in range(60)]
    for sizes in (1, 3, 7, 20):
        groups = [index // sizes for index in range(60)]
        for seed in range(5):
            train, validation = split(examples, 0.2, seed, "data", groups)
            assert not {int(id[1:]) // sizes for id in ids(train)} & {int(id[1:]) // sizes for id in ids(validation)}
            assert abs(len(validation) - 12) <= max(sizes // 2, 8)


def test_a_group_with_all_images_of_a_class_stays_in_training():
    examples = [example(f"p{index}", "cat") for index in range(8)] + [example(id, "cat", "dog") for id in ("a", "b")]
    for seed in range(20):
        train, _ = split(examples, 0.5, seed, "data", [*range(8), 8, 8])
        assert {"a", "b"} <= set(ids(train))


def test_one_group_cannot_be_split():
    with pytest.raises(InputError, match=r"6 images in 1 groups .* cannot be split .*--group-by"):
        split([example(f"p{index}", "cat") for index in range(6)], 0.2, 0, "data", [0] * 6)


def contents(examples) -> set[bytes]:
    return {example.image.read_bytes() for example in examples}


def with_copies(folder: Path, count: int) -> Path:
    """A data set of `count` images, and a copy of each under another name."""
    data_set(folder, count)
    for index in range(count):
        shutil.copy(folder / f"images/p{index}.jpg", folder / f"images/copy{index}.jpg")
        annotation(folder / f"annotations/copy{index}.xml")
    return folder


@pytest.mark.parametrize("group_by", ["auto", "none", "folder", r"(\d+)"])
def test_copies_of_a_file_are_drawn_together(tmp_path, group_by):
    data = with_copies(tmp_path / "data", 12)
    if group_by == "folder":
        for path in (data / "images").glob("*[0-4].jpg"):
            (data / "images" / path.stem).mkdir()
            path.rename(data / "images" / path.stem / path.name)
    dataset = open_dataset(data, seed=1, group_by=group_by)
    assert len(dataset.train) + len(dataset.validation) == 24 and dataset.validation
    assert not contents(dataset.train) & contents(dataset.validation)


def roboflow(folder: Path, originals: int = 10, versions: int = 3, part: str = "") -> Path:
    for index in range(originals):
        for version in range(versions):
            stem = f"photo-{index}_jpg.rf.{100 * index + version:032x}"
            image(folder / part / f"{stem}.jpg", seed=100 * index + version + 10_000 * (part == "valid"))
            annotation(folder / part / f"{stem}.xml")
    return folder


def originals(examples) -> set[str]:
    return {example.image.name.split(".rf.")[0] for example in examples}


def test_versions_of_a_roboflow_original_are_drawn_together(tmp_path):
    data = roboflow(tmp_path / "data")
    dataset = open_dataset(data)
    assert (len(dataset.train), len(dataset.validation)) == (24, 6)
    assert not originals(dataset.train) & originals(dataset.validation)
    apart = open_dataset(data, group_by="none")
    assert originals(apart.train) & originals(apart.validation)


@pytest.mark.parametrize("group_by", [r"scene(\d+)", "folder"])
def test_scenes_are_drawn_together(tmp_path, group_by):
    for scene in range(10):
        for index in range(3):
            image(tmp_path / f"data/scene{scene}/{scene}-{index}.jpg", seed=10 * scene + index)
            annotation(tmp_path / f"data/scene{scene}/{scene}-{index}.xml")

    def scenes(examples):
        return {example.image.parent.name for example in examples}

    dataset = open_dataset(tmp_path / "data", group_by=group_by)
    assert (len(dataset.train), len(dataset.validation)) == (24, 6)
    assert not scenes(dataset.train) & scenes(dataset.validation)
    assert scenes(open_dataset(tmp_path / "data").train) & scenes(open_dataset(tmp_path / "data").validation)


@pytest.mark.parametrize(
    ("group_by", "message"), [("(", "not a regular expression"), ("foldr", "found in none of the 6 images' paths")]
)
def test_rules_that_say_nothing_are_refused(tmp_path, group_by, message):
    with pytest.raises(InputError, match=f"--group-by .*: {message}"):
        open_dataset(data_set(tmp_path / "data"), group_by=group_by)


def shared_lines(dataset: Dataset) -> list[str]:
    return [line for line in dataset.problems if "kept out of" in line]


def lists(folder: Path, train: str, val: str) -> Path:
    """Writes the lists of the split; the images are named by digits."""
    (folder / "ImageSets/Main").mkdir(parents=True)
    for name, digits in (("train", train), ("val", val)):
        (folder / f"ImageSets/Main/{name}.txt").write_text("".join(f"p{digit}\n" for digit in digits))
    return folder


def test_own_validation_images_are_kept_out_of_training(tmp_path):
    data = lists(data_set(tmp_path / "data", 8), "01234", "567")
    shutil.copy(data / "images/p1.jpg", data / "images/p5.jpg")
    dataset = open_dataset(data)
    assert (ids(dataset.train), ids(dataset.validation)) == (["p0", "p2", "p3", "p4"], ["p5", "p6", "p7"])
    assert shared_lines(dataset) == [
        f"{data}: 1 images kept out of training, because they are among its validation images too (1 the same file),"
        " p1.jpg and p5.jpg for one"
    ]


def test_versions_of_own_validation_images_are_kept_out_of_training(tmp_path):
    data = roboflow(tmp_path / "data", originals=6, part="train")
    roboflow(data, originals=2, versions=1, part="valid")
    dataset = open_dataset(data)
    assert (len(dataset.train), len(dataset.validation)) == (12, 2)
    assert "6 images kept out of training" in shared_lines(dataset)[0] and "--group-by none" in shared_lines(dataset)[0]
    apart = open_dataset(data, group_by="none")
    assert (len(apart.train), len(apart.validation), apart.problems) == (18, 2, ())


def test_the_last_image_of_a_class_is_kept_out_of_validation(tmp_path):
    data = lists(data_set(tmp_path / "data", 8), "01234", "567")
    annotation(data / "annotations/p1.xml", (("zebra", 4, 5, 30, 28),))
    for one, other in ((1, 5), (2, 6)):
        shutil.copy(data / f"images/p{one}.jpg", data / f"images/p{other}.jpg")
    dataset = open_dataset(data)
    assert (ids(dataset.train), ids(dataset.validation)) == (["p0", "p1", "p3", "p4"], ["p6", "p7"])
    assert len(shared_lines(dataset)) == 2 and dataset.labels.names == ("cat", "zebra")


def test_own_validation_images_that_are_all_of_training_are_kept_out_of_validation(tmp_path):
    data = lists(data_set(tmp_path / "data", 8), "0123", "4567")
    data = lists_with_copies(data, ((0, 4), (1, 5)), train="01", val="4567")
    dataset = open_dataset(data)
    assert (ids(dataset.train), ids(dataset.validation)) == (["p0", "p1"], ["p6", "p7"])


def test_validation_is_drawn_where_it_is_all_of_training(tmp_path):
    data = lists(data_set(tmp_path / "data", 8), "0123", "4567")
    data = lists_with_copies(data, ((0, 4), (1, 5), (2, 6), (3, 7)), train="0123", val="4567")
    dataset = open_dataset(data)
    assert (len(dataset.train), len(dataset.validation)) == (3, 1)
    assert not contents(dataset.train) & contents(dataset.validation)
    assert any("4 validation images; 1 more drawn from the others" in line for line in dataset.problems)


def lists_with_copies(data: Path, copies, train: str, val: str) -> Path:
    for one, other in copies:
        shutil.copy(data / f"images/p{one}.jpg", data / f"images/p{other}.jpg")
    shutil.rmtree(data / "ImageSets")
    return lists(data, train, val)


def test_a_data_set_to_validate_on_that_is_the_one_to_train_on_is_refused(tmp_path):
    data = data_set(tmp_path / "data", 6)
    copied = shutil.copytree(data, tmp_path / "copied")
    for other in (data, copied):
        with pytest.raises(InputError, match=rf"{other}: 6 of its 6 images are among the 6 to train on in {data}"):
            open_dataset(data, validation=other)


def test_images_of_a_data_set_to_validate_on_are_kept_out_of_training(tmp_path):
    data, other = data_set(tmp_path / "data", 6), data_set(tmp_path / "other", 3, seed=100)
    shutil.copy(data / "images/p2.jpg", other / "images/p0.jpg")
    dataset = open_dataset(data, validation=other)
    assert (ids(dataset.train), ids(dataset.validation)) == (["p0", "p1", "p3", "p4", "p5"], ["p0", "p1", "p2"])
    assert f"1 images kept out of training, because they are among those of {other} too" in shared_lines(dataset)[0]


def test_background_images_of_an_own_split_that_are_training_images_are_left_out(tmp_path):
    data = lists(data_set(tmp_path / "data", 8), "012345", "67")
    shutil.copy(data / "images/p1.jpg", data / "images/p6.jpg")
    for index in (6, 7):
        annotation(data / f"annotations/p{index}.xml", ())
    dataset = open_dataset(data)
    assert "p7" in ids(dataset.validation) and "p6" not in ids(dataset.train + dataset.validation)
    assert "p1" in ids(dataset.train + dataset.validation)
