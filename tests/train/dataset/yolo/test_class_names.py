from __future__ import annotations

import re

import pytest

from runtime.common.errors import InputError
from tests.support.layouts import LINE, boxes, write
from train.dataset.formats import yolo


def folders(lists: dict[str, str], parts=("train", "valid"), labels="{}/{}.txt", images="{}/{}.jpg") -> dict:
    files = dict(lists)
    for part in parts:
        for index in range(2):
            files |= {images.format(part, f"{part}{index}"): "", labels.format(part, f"{part}{index}"): LINE}
    return files


def labels(splits) -> dict[str, str]:
    return {id: found[0][0] for id, found in boxes(splits).items()}


@pytest.mark.parametrize(
    ("images", "places"), [("{}/{}.jpg", "{}/{}.txt"), ("images/{}/{}.jpg", "labels/{}/{}.txt"), ("{}/img/{}.jpg", "{}/l/{}.txt")]
)
def test_each_folder_by_its_own_list(tmp_path, images, places):
    lists = {places.format(part, "x").replace("x.txt", "classes.txt"): text for part, text in (("train", "red\nblue\n"), ("valid", "blue\nred\n"))}
    splits = yolo.read(write(tmp_path, folders(lists, labels=places, images=images)))
    assert labels(splits) == {"train0": "red", "train1": "red", "valid0": "blue", "valid1": "blue"}
    assert splits.labels == ("red", "blue") and splits.problems == ()


def test_lists_are_merged_by_names(tmp_path):
    splits = yolo.read(write(tmp_path, folders({"train/classes.txt": "red\n", "valid/classes.txt": "blue\nred\ngreen\n"})))
    assert splits.labels == ("red", "blue", "green")


def test_the_nearest_list_above_holds(tmp_path):
    lists = {"classes.txt": "red\n", "valid/classes.txt": "blue\n"}
    assert labels(yolo.read(write(tmp_path, folders(lists)))) == {"train0": "red", "train1": "red", "valid0": "blue", "valid1": "blue"}


def test_two_lists_that_are_equally_near_are_both_named(tmp_path):
    lists = {"train/classes.txt": "red\nblue\n", "valid/classes.txt": "blue\nred\n"}
    files = folders(lists) | {f"more/m{i}.jpg": "" for i in range(3)} | {f"more/m{i}.txt": LINE for i in range(3)}
    with pytest.raises(InputError) as error:
        yolo.read(write(tmp_path, files))
    assert re.search(r"more: its class numbers may be those of train/classes.txt or of valid/classes.txt", str(error.value))
    assert "write the right one to more/classes.txt" in str(error.value)


def test_a_list_of_another_split_is_told(tmp_path):
    splits = yolo.read(write(tmp_path, folders({"train/classes.txt": "red\n"})))
    assert splits.problems == ("valid: has no list of class names of its own; its numbers were read by train/classes.txt",)


def test_a_list_beside_a_description_that_differs_is_told(tmp_path):
    lists = {"data.yaml": "names: [red, blue]\n", "train/classes.txt": "blue\nred\n"}
    splits = yolo.read(write(tmp_path, folders(lists)))
    assert set(labels(splits).values()) == {"red"}
    assert splits.problems == (
        "train/classes.txt: not used, though it names other classes than data.yaml, which names those of the labels;"
        " correct or remove one of them",
    )


def test_lists_that_contradict_each_other_hold_against_one_description(tmp_path):
    lists = {"data.yaml": "names: [red, blue]\n", "train/classes.txt": "red\nblue\n", "valid/classes.txt": "blue\nred\n"}
    splits = yolo.read(write(tmp_path / "a", folders(lists)))
    assert labels(splits) == {"train0": "red", "train1": "red", "valid0": "blue", "valid1": "blue"}
    assert "train/classes.txt, valid/classes.txt: each names the classes of the labels beside it" in splits.problems[0]
    # A list with classes that the description does not have is of something else.
    splits = yolo.read(write(tmp_path / "b", folders({**lists, "valid/classes.txt": "dog\nred\n"})))
    assert set(labels(splits).values()) == {"red"} and "valid/classes.txt: not used" in splits.problems[0]


def test_a_list_beside_labels_that_alone_has_all_their_numbers(tmp_path):
    files = folders({"data.yaml": "names: [red, blue]\n", "train/classes.txt": "Red\nBlue\ngreen\n"})
    files["train/train0.txt"] = LINE.replace("0 ", "2 ", 1)
    splits = yolo.read(write(tmp_path / "a", files))
    assert labels(splits) == {"train0": "green", "train1": "Red", "valid0": "red", "valid1": "red"}
    assert "train/classes.txt: names the classes of the labels beside it, as these have numbers beyond the 2 classes of data.yaml" in splits.problems[0]
    # A list that has not all of them either says nothing more.
    files["train/train0.txt"] = LINE.replace("0 ", "3 ", 1)
    splits = yolo.read(write(tmp_path / "b", files))
    assert "train/train0.txt: line 1 has the class 3, but data.yaml names 2" in " ".join(splits.problems)


@pytest.mark.parametrize("name", ["labels.txt", "classes.names", "obj.names", "CLASSES.TXT", "sub/predefined_classes.txt"])
def test_other_names_of_a_list(tmp_path, name):
    assert set(labels(yolo.read(write(tmp_path, folders({name: "\ufeffred\r\n\r\n"})))).values()) == {"red"}


def test_notes_of_label_studio(tmp_path):
    notes = {"categories": [{"id": 1, "name": "blue"}, {"id": 0, "name": "red"}], "info": {"year": 2024}}
    assert yolo.read(write(tmp_path, folders({"notes.json": notes}))).labels == ("red", "blue")


def test_labels_without_names(tmp_path):
    files = folders({})
    files["train/train0.txt"] = "3 0.5 0.5 0.2 0.2\n"
    message = "no data.yaml, obj.data or classes.txt in it; .* The labels have the numbers 0, 3: write their names"
    assert yolo.score(write(tmp_path, files)).images == 4
    with pytest.raises(InputError, match=message):
        yolo.read(tmp_path)


def test_names_in_the_labels(tmp_path):
    files = {key: text.replace("0 ", "traffic light ", 1) if key.endswith(".txt") else text for key, text in folders({}).items()}
    splits = yolo.read(write(tmp_path, files))
    assert set(labels(splits).values()) == {"traffic light"} and splits.labels is None


def test_classes_that_count_from_1(tmp_path):
    files = {"classes.txt": "red\nblue\n"}
    for index in range(4):
        files |= {f"p{index}.jpg": "", f"p{index}.txt": LINE.replace("0 ", f"{index % 2 + 1} ", 1)}
    splits = yolo.read(write(tmp_path, files))
    assert labels(splits) == {"p0": "red", "p1": "blue", "p2": "red", "p3": "blue"}
    assert splits.problems == (
        "no label has the class 0, and the highest is the number of names: taken as counted from 1 (1 is 'red'); if that"
        " is wrong, correct the names",
    )


def test_more_classes_than_names(tmp_path):
    files = {"data.yaml": "nc: 3\nnames: [red]\n"}
    for index in range(6):
        files |= {f"p{index}.jpg": "", f"p{index}.txt": LINE.replace("0 ", f"{(0, 0, 0, 2, 0, 7)[index]} ", 1)}
    splits = yolo.read(write(tmp_path, files))
    assert labels(splits) == {"p0": "red", "p1": "red", "p2": "red", "p3": "class_2", "p4": "red"}
    assert "data.yaml: says 3 classes, but there are 1 names" in splits.problems
    assert any("p5.txt: line 1 has the class 7, but data.yaml names 3" in line for line in splits.problems)
